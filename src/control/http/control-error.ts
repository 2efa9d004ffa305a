/** Every code of the control API's errors, with its HTTP status and default detail. */
export const controlErrors = {
  InvalidRequest: [400, "The request is not valid"],
  Unauthorized: [401, "A session, an API token, or an administrator's access key and secret are wanted"],
  LogInFailed: [401, "The log-in failed"],
  Forbidden: [403, "This is not allowed from here"],
  ForeignOrigin: [403, "The request was not made by the console: Origin or X-MaxIOFS-CSRF is missing or wrong"],
  FreshProofWanted: [403, "Password or second factor must have been given within the last 10 minutes"],
  PasswordChangeWanted: [403, "The password must be changed first"],
  SecondFactorWanted: [403, "A second factor must be set up first"],
  NotFound: [404, "There is no such resource"],
  MethodNotAllowed: [405, "The resource does not have this method"],
  Conflict: [409, "The state of the resource does not allow this"],
  PreconditionFailed: [412, "Somebody else changed it since it was read"],
  PayloadTooLarge: [413, "The body is longer than 1 MiB"],
  UnsupportedMediaType: [415, "The body must be application/json"],
  IdempotencyKeyReused: [422, "The Idempotency-Key was used for another request"],
  SessionLocked: [423, "The session is locked: unlock it or log out"],
  PreconditionRequired: [428, "If-Match with the ETag of what was read is wanted"],
  TooManyRequests: [429, "Too many log-ins failed; try again later"],
  InternalError: [500, "The server failed; its log has the request id"],
  Unavailable: [503, "The server cannot do this at the moment"],
} as const satisfies Record<string, readonly [status: number, detail: string]>;

/** A code of the table. */
export type ControlErrorCode = keyof typeof controlErrors;

/** One wrong part of a request. */
export interface ControlErrorPart {
  /** JSON pointer into the body. */
  readonly pointer: string;
  readonly message: string;
}

/** An expected failure of a call of the control API. Neither detail nor parts may hold a secret or a path of the host. */
export class ControlError extends Error {
  override readonly name = "ControlError";
  readonly code: ControlErrorCode;
  readonly status: number;
  readonly parts: readonly ControlErrorPart[];

  constructor(code: ControlErrorCode, detail?: string, parts: readonly ControlErrorPart[] = []) {
    super(detail ?? controlErrors[code][1]);
    this.code = code;
    this.status = controlErrors[code][0];
    this.parts = parts;
  }
}

/** A caller may not do this, though nothing is wrong with how he asks. */
export class RefusedError extends ControlError {
  readonly action: string;

  constructor(action: string) {
    super("Forbidden", `The action ${action} is not allowed`);
    this.action = action;
  }
}

/** Refused without being looked at, until `retryAfterSeconds` have passed. */
export class TooManyRequestsError extends ControlError {
  /** 1 at least. */
  readonly retryAfterSeconds: number;

  constructor(retryAfterSeconds: number, detail?: string) {
    super("TooManyRequests", detail);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}
