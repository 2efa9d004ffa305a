import type { HeaderLookup } from "./header-lookup.ts";
import type { OperationLevel, OperationSpec } from "./operation.ts";
import { operations, operationTable } from "./operation-table.ts";
import type { QueryParameters } from "./query-parameters.ts";
import { resourceType } from "./resource-type.ts";
import { S3Error } from "./s3-error.ts";

/** What selects an operation beside method and level; a request that carries both will do. */
export interface Selectors {
  readonly query: QueryParameters;
  /** The headers the operation will read; those that a presigned URL carries in its query must be among them. */
  readonly headers: HeaderLookup;
}

/**
 * Selects the one operation a request means. Strict: what it does not know it refuses, so that no sub-resource of
 * tomorrow overwrites an object today. OPTIONS is the preflight of any URL.
 * - parameters outside the row: 501 on writes, and on reads when they have no value; else ignored. Names that start with
 *   `x-` in any case, and those of authentication, go with every operation.
 * - `answer` of the row is the caller's matter: a 501 comes after authorisation.
 * @throws S3Error InvalidArgument (ArgumentName, ArgumentValue) on two sub-resources, an empty versionId, or a required
 * parameter that is missing or has another value; MethodNotAllowed (Method, ResourceType, header Allow) when no row of the
 * sub-resource has the method; NotImplemented (Header) on an unknown parameter
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
 */
export function matchOperation(method: string, level: OperationLevel, selectors: Selectors): OperationSpec {
  const { query } = selectors;
  if (method === "OPTIONS") return operationTable.Preflight;
  const table = slotTables[level];
  const hasQuery = query.names.length > 0;
  const slot = hasQuery ? findSlot(table, query) : table.plain;
  const candidates = slot.byMethod.get(method);
  if (candidates === undefined) throw methodNotAllowed(method, slot);
  const spec = chooseCandidate(candidates, selectors);
  if (hasQuery) checkParameters(spec, query);
  return spec;
}

/** The rows of one (level, sub-resource). */
interface Slot {
  /** Rows of a method, those with more requirements first. */
  readonly byMethod: ReadonlyMap<string, readonly OperationSpec[]>;
  /** Value of the header Allow. */
  readonly allow: string;
  readonly resourceType: string;
}

interface SlotTable {
  readonly plain: Slot;
  readonly bySubresource: ReadonlyMap<string, Slot>;
}

const slotTables: Readonly<Record<OperationLevel, SlotTable>> = {
  service: buildSlotTable("service"),
  bucket: buildSlotTable("bucket"),
  key: buildSlotTable("key"),
};

function buildSlotTable(level: OperationLevel): SlotTable {
  const rows = operations.filter((spec) => spec.level === level);
  const bySubresource = new Map<string, Slot>();
  for (const { subresource } of rows) {
    if (subresource !== undefined) bySubresource.set(subresource, buildSlot(rows, level, subresource));
  }
  return { plain: buildSlot(rows, level, undefined), bySubresource };
}

function buildSlot(rows: readonly OperationSpec[], level: OperationLevel, subresource: string | undefined): Slot {
  const members = rows.filter((spec) => spec.subresource === subresource);
  const byMethod = Map.groupBy(members.toSorted(moreRequirementsFirst), (spec) => spec.method);
  return { byMethod, allow: [...byMethod.keys()].sort().join(", "), resourceType: resourceType(level, subresource) };
}

function moreRequirementsFirst(a: OperationSpec, b: OperationSpec): number {
  return requirementCount(b) - requirementCount(a);
}

function requirementCount(spec: OperationSpec): number {
  return spec.requiredParameters.length + (spec.requiredHeader === undefined ? 0 : 1);
}

function findSlot(table: SlotTable, query: QueryParameters): Slot {
  let found: Slot | undefined;
  for (const name of query.names) {
    const slot = table.bySubresource.get(name);
    if (slot === undefined) {
      if (name === "versionId" && query.get(name) === "") {
        throw invalidArgument("Version id cannot be the empty string", name, "");
      }
      continue;
    }
    if (found !== undefined) {
      throw invalidArgument("Conflicting query string parameters", name, query.get(name));
    }
    found = slot;
  }
  return found ?? table.plain;
}

function chooseCandidate(candidates: readonly OperationSpec[], { query, headers }: Selectors): OperationSpec {
  for (const spec of candidates) {
    if (missingParameter(spec, query) === undefined && hasRequiredHeader(spec, headers)) return spec;
  }
  // Only required parameters can be missing here: the table has no method whose every row needs a header.
  const missing = candidates.map((spec) => missingParameter(spec, query)).find((name) => name !== undefined) ?? "";
  throw invalidArgument("A required query parameter is missing or not valid", missing, query.get(missing));
}

function missingParameter(spec: OperationSpec, query: QueryParameters): string | undefined {
  for (const { name, value } of spec.requiredParameters) {
    const sent = query.get(name);
    if (sent === undefined || (value !== undefined && sent !== value)) return name;
  }
  return undefined;
}

function hasRequiredHeader({ requiredHeader }: OperationSpec, headers: HeaderLookup): boolean {
  return requiredHeader === undefined || headers[requiredHeader] !== undefined;
}

/** Parameters of authentication that do not start with `x-`: SigV2, share links. */
const authenticationParameters: ReadonlySet<string> = new Set([
  "AWSAccessKeyId",
  "Expires",
  "Signature",
  "maxiofs-share",
]);

function checkParameters(spec: OperationSpec, query: QueryParameters): void {
  const isRead = spec.method === "GET" || spec.method === "HEAD";
  for (const name of query.names) {
    if (spec.parameters.has(name) || isExtension(name) || authenticationParameters.has(name)) continue;
    if (isRead && query.get(name) !== "") continue;
    throw new S3Error("NotImplemented", {
      message: "A query parameter you provided implies functionality that is not implemented",
      fields: { Header: name },
    });
  }
}

function isExtension(name: string): boolean {
  return name.charCodeAt(1) === 0x2d && (name.charCodeAt(0) | 0x20) === 0x78; // "x-" in any case
}

function methodNotAllowed(method: string, slot: Slot): S3Error {
  return new S3Error("MethodNotAllowed", {
    fields: { Method: method, ResourceType: slot.resourceType },
    headers: { Allow: slot.allow },
  });
}

function invalidArgument(message: string, name: string, value: string | undefined): S3Error {
  return new S3Error("InvalidArgument", { message, fields: { ArgumentName: name, ArgumentValue: value ?? "" } });
}
