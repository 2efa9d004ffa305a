import type { S3ErrorCode } from "./error-code.ts";
import type { OperationName } from "./operation-name.ts";
import type { RequiredAction } from "./required-action.ts";

/** HTTP methods that select an operation. */
export const operationMethods = ["GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS"] as const;

/** An HTTP method that selects an operation. */
export type OperationMethod = (typeof operationMethods)[number];

/** What the URL names: nothing, a bucket, or a key in a bucket. */
export type OperationLevel = "service" | "bucket" | "key";

/** A query parameter that selects the operation: present, and equal to `value` where one is given. */
export interface RequiredParameter {
  readonly name: string;
  readonly value: string | undefined;
}

/**
 * How the operation is answered: `full` every member of the model is honoured; `empty` a read says that nothing is
 * configured (`emptyCode`, else an empty document); `notImplemented` 501 with `reason`, after authorisation.
 */
export type OperationAnswer = "full" | "empty" | "notImplemented";

/** One row of the operation table. All fields are always present, so that rows have one shape. */
export interface OperationSpec {
  readonly name: OperationName;
  readonly method: OperationMethod;
  /** `any` for the preflight alone. */
  readonly level: OperationLevel | "any";
  /** Query parameter whose presence selects the row, whatever its value. */
  readonly subresource: string | undefined;
  readonly requiredParameters: readonly RequiredParameter[];
  /** Lower-case name of a header whose presence selects the row. */
  readonly requiredHeader: string | undefined;
  readonly actions: readonly RequiredAction[];
  /** Query parameters of the model, the sub-resource and the required ones included. */
  readonly parameters: ReadonlySet<string>;
  /** Lower-case names of the headers it knows out of the families that `checkHeaderFamilies` guards. */
  readonly familyHeaders: ReadonlySet<string>;
  /** 1 object path, 2 data management, 3 the rest. */
  readonly wave: 1 | 2 | 3;
  readonly answer: OperationAnswer;
  /** Error of an `empty` answer; undefined when that is an empty document. */
  readonly emptyCode: S3ErrorCode | undefined;
  /** Why a `notImplemented` operation is refused; a message without full stop. */
  readonly reason: string | undefined;
}

/**
 * Method and URL of a row, as the API reference writes them: `/` the service, `B` a bucket, `K` a key, `*` any URL. The
 * first query item without `=` is the sub-resource, all others are required parameters: `PUT K?uploadId&partNumber`.
 */
export type OperationRequest = `${OperationMethod} ${"/" | "B" | "K" | "*"}${"" | `?${string}`}`;

/** What a row states beside its name and request; absent fields take the defaults of `defineOperation`. */
export interface OperationDefinition {
  readonly wave: 1 | 2 | 3;
  readonly actions: readonly RequiredAction[];
  readonly requiredHeader?: string;
  readonly parameters?: readonly string[];
  readonly familyHeaders?: readonly string[];
  readonly emptyCode?: S3ErrorCode;
  readonly reason?: string;
  /** Without it `notImplemented` if there is a `reason`, `empty` if there is an `emptyCode`, else `full`. */
  readonly answer?: OperationAnswer;
}

const noNames: ReadonlySet<string> = new Set();

/** Completes a row of the table. Pure; called while modules load. */
export function defineOperation(
  name: OperationName,
  request: OperationRequest,
  definition: OperationDefinition,
): OperationSpec {
  const { method, level, subresource, requiredParameters } = parseOperationRequest(request);
  const { wave, actions, requiredHeader, emptyCode, reason } = definition;
  const parameters = new Set(definition.parameters);
  if (subresource !== undefined) parameters.add(subresource);
  for (const required of requiredParameters) parameters.add(required.name);
  return {
    name,
    method,
    level,
    subresource,
    requiredParameters,
    requiredHeader,
    actions,
    parameters: parameters.size === 0 ? noNames : parameters,
    familyHeaders: definition.familyHeaders === undefined ? noNames : new Set(definition.familyHeaders),
    wave,
    answer: definition.answer ?? defaultAnswer(reason, emptyCode),
    emptyCode,
    reason,
  };
}

function defaultAnswer(reason: string | undefined, emptyCode: S3ErrorCode | undefined): OperationAnswer {
  if (reason !== undefined) return "notImplemented";
  return emptyCode === undefined ? "full" : "empty";
}

function parseOperationRequest(
  request: OperationRequest,
): Pick<OperationSpec, "method" | "level" | "subresource" | "requiredParameters"> {
  const [methodText = "", target = ""] = request.split(" ");
  const [place = "", query = ""] = target.split("?");
  const method = operationMethods.find((candidate) => candidate === methodText) ?? "OPTIONS";
  const items = query === "" ? [] : query.split("&");
  const subresource = items.find((item) => !item.includes("="));
  const requiredParameters = items
    .filter((item) => item !== subresource)
    .map((item) => {
      const [name = "", value] = item.split("=");
      return { name, value };
    });
  return { method, level: parseLevel(place), subresource, requiredParameters };
}

function parseLevel(place: string): OperationSpec["level"] {
  if (place === "/") return "service";
  if (place === "B") return "bucket";
  return place === "K" ? "key" : "any";
}
