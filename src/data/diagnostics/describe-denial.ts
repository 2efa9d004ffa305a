import { conditionKeys } from "#kernel/policy/condition-keys.ts";
import type { AccessedResource } from "#kernel/policy/evaluate-statement.ts";
import { type ExplainedCondition, explainAccess } from "#kernel/policy/explain-access.ts";
import type { ConditionValues } from "#kernel/policy/pattern.ts";
import type { DenialRecord } from "#kernel/protocol/diagnostics.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import { accessSets, type Identity } from "../authorize.ts";

/** Statements of one record. */
export const maxKeptStatements = 100;
/** UTF-16 units of one value of a record. */
export const maxKeptValueLength = 1024;
/** Values of one condition key of a record. */
const maxKeptValues = 50;

/** What was refused, while the request is there. */
export interface Denial extends Pick<DenialRecord, "requestId" | "timeMs" | "operation" | "action" | "reason"> {
  readonly identity: Identity;
  readonly resource: AccessedResource;
  /** Null where the resource belongs to nobody in particular. */
  readonly ownerTenantId: string | null;
  readonly values: ConditionValues;
}

/** Keys that every request may be asked for; of families only those that a policy names. */
const plainKeys = conditionKeys.filter(({ name, exists }) => exists && !name.endsWith("/")).map(({ name }) => name);

/** Decides again, slowly, and keeps why. */
export function describeDenial(denial: Denial): DenialRecord {
  const { identity, resource, values, action } = denial;
  const { caller, sets } = accessSets(identity);
  const explanation = explainAccess({ action, resource, caller, values }, sets);
  const { requestId, timeMs, operation, reason } = denial;
  const callerTenantId = identity.kind === "anonymous" ? null : identity.tenant.tenantId;
  const statements = explanation.statements.slice(0, maxKeptStatements);
  return {
    ...{ requestId, timeMs, operation, action, reason },
    resource: renderResource(resource),
    tenantId: denial.ownerTenantId ?? callerTenantId,
    caller: {
      arn: identity.kind === "anonymous" ? "anonymous" : identity.arn,
      tenantId: callerTenantId,
      accessKeyId: findAccessKeyId(identity),
    },
    explanation: {
      ...explanation,
      statements: statements.map((statement) => ({
        ...statement,
        conditions: statement.conditions.slice(0, maxKeptStatements).map(keepCondition),
      })),
      // It stays refused whatever a policy says.
      ...(reason !== null && { suggestion: undefined }),
    },
    omittedStatementCount: explanation.statements.length - statements.length,
    context: readContext(
      values,
      statements.flatMap(({ conditions }) => conditions.flatMap(({ key }) => key ?? [])),
    ),
  };
}

function renderResource({ partition, service, region, account, path }: AccessedResource): string {
  if (path === "*") return "*";
  return service === "s3" ? `arn:aws:s3:::${path}` : `arn:${partition}:${service}:${region}:${account}:${path}`;
}

function findAccessKeyId(identity: Identity): string | null {
  if (identity.kind === "anonymous") return null;
  return identity.kind === "user" ? identity.key.accessKeyId : identity.accessKeyId;
}

function keepCondition(condition: ExplainedCondition): ExplainedCondition {
  const { key, seen } = condition;
  return { ...condition, seen: key === undefined || seen === undefined ? undefined : keepValue(key, seen) };
}

function readContext(values: ConditionValues, askedKeys: readonly string[]): DenialRecord["context"] {
  const context: Record<string, string | readonly string[]> = {};
  for (const key of new Set([...plainKeys, ...askedKeys])) {
    const seen = readValue(values, key);
    if (seen !== undefined && seen.length > 0) context[key] = keepValue(key, seen);
  }
  return context;
}

/** A header that says nothing sensible has no value: the refusal is what the client is told. */
function readValue(values: ConditionValues, key: string): string | readonly string[] | undefined {
  try {
    return values.get(key);
  } catch (error) {
    if (error instanceof S3Error) return undefined;
    throw error;
  }
}

function keepValue(key: string, seen: string | readonly string[]): string | readonly string[] {
  if (typeof seen !== "string") return seen.slice(0, maxKeptValues).map((value) => value.slice(0, maxKeptValueLength));
  // The page that a browser comes from may have been opened by a presigned URL.
  const shown = key === "aws:Referer" ? seen.replace(/[?#].*$/s, "?...") : seen;
  return shown.slice(0, maxKeptValueLength);
}
