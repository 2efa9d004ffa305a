import { DatabaseUnavailableError, isLocked } from "../database/database-unavailable-error.ts";
import {
  ControlError,
  type ControlErrorCode,
  type ControlErrorPart,
  controlErrors,
  TooManyRequestsError,
} from "./control-error.ts";

/**
 * A `application/problem+json` response with the header its status wants. Source: RFC 9457.
 * @param isPage a page in a browser asked: nothing in the answer may make the browser itself ask for a password
 */
export function renderProblem(error: ControlError, requestId: string, isPage = false): Response {
  const { code, status, message, parts } = error;
  const headers = new Headers({ "content-type": "application/problem+json", "cache-control": "no-store" });
  // A status 401 wants a challenge. Source: RFC 9110 section 15.5.2.
  const asks =
    code === "Unauthorized" && !isPage ? 'Basic realm="MaxIOFS", charset="UTF-8"' : 'Session realm="MaxIOFS"';
  if (status === 401) headers.set("www-authenticate", asks);
  if (code === "Unavailable") headers.set("retry-after", "1");
  if (error instanceof TooManyRequestsError) headers.set("retry-after", String(error.retryAfterSeconds));
  const title = code.replaceAll(/(?<=[a-z])(?=[A-Z])/g, " ");
  const body = { type: "about:blank", title, status, detail: message, code, requestId };
  return Response.json(parts.length > 0 ? { ...body, errors: parts } : body, { status, headers });
}

/** What the framework reports, as far as its message must not reach the client. */
export interface FrameworkFailure {
  /** The framework's code, such as `NOT_FOUND`, or the status of a plain answer. */
  readonly code: string | number;
  readonly error: unknown;
}

/** Our error for whatever was thrown: the framework's own kinds by their code, the unknown as InternalError. */
export function toControlError({ code, error }: FrameworkFailure): ControlError {
  if (error instanceof ControlError) return error;
  // What reading a body threw comes inside an error of the framework's own.
  if (error instanceof Error && error.cause instanceof ControlError) return error.cause;
  if (error instanceof DatabaseUnavailableError || isLocked(error)) return new ControlError("Unavailable");
  if (code === "VALIDATION") return new ControlError("InvalidRequest", undefined, listParts(error));
  const known: Readonly<Record<string, ControlErrorCode>> = { NOT_FOUND: "NotFound", PARSE: "InvalidRequest" };
  return new ControlError(known[String(code)] ?? "InternalError");
}

/** Whether the error is one that an operator has to look at. */
export function isUnexpected(error: ControlError): boolean {
  return error.status === controlErrors.InternalError[0];
}

/** Pointers and messages of a failed validation, at most 20; the values seen are left out. */
function listParts(error: unknown): readonly ControlErrorPart[] {
  if (typeof error !== "object" || error === null || !("all" in error) || !Array.isArray(error.all)) return [];
  return error.all.slice(0, 20).flatMap((item: unknown) => {
    if (typeof item !== "object" || item === null || !("path" in item) || !("message" in item)) return [];
    return [{ pointer: String(item.path), message: String(item.message) }];
  });
}
