import type { S3Error } from "../s3/s3-error.ts";

/** Namespace of every STS document. */
export const stsNamespace = "https://sts.amazonaws.com/doc/2011-06-15/";

/** Every code STS answers with, its HTTP status, and its default message. Source: AWS STS API, "Common Errors". */
export const stsErrorCodes = {
  AccessDenied: [403, "Access denied"],
  ExpiredToken: [403, "The security token included in the request is expired"],
  IncompleteSignature: [400, "The request signature does not conform to AWS standards"],
  InternalFailure: [500, "The request processing has failed because of an internal error"],
  InvalidAction: [400, "The action or operation requested is invalid"],
  InvalidClientTokenId: [403, "The security token included in the request is invalid"],
  /** Of IAM: SDKs do not try again by themselves, which would not help. */
  LimitExceeded: [409, "There are too many temporary credentials"],
  MalformedPolicyDocument: [400, "The policy document was malformed"],
  MissingAction: [400, "The request is missing an action or a required parameter"],
  MissingAuthenticationToken: [403, "Request is missing Authentication Token"],
  PackedPolicyTooLarge: [400, "Session policies and tags exceed the room of a session token"],
  RequestEntityTooLarge: [413, "The form is longer than 65536 bytes"],
  ServiceUnavailable: [503, "The request has failed because the server cannot do this at the moment"],
  SignatureDoesNotMatch: [
    403,
    "The request signature we calculated does not match the signature you provided. Check your key and signing method",
  ],
  ValidationError: [400, "The input fails to satisfy the constraints"],
} as const satisfies Record<string, readonly [status: number, message: string]>;

/** A code of the table. */
export type StsErrorCode = keyof typeof stsErrorCodes;

/** An expected failure of an STS request. The message may hold no secret. */
export class StsError extends Error {
  override readonly name = "StsError";
  readonly code: StsErrorCode;
  readonly status: number;

  constructor(code: StsErrorCode, message: string = stsErrorCodes[code][1]) {
    super(message);
    this.code = code;
    this.status = stsErrorCodes[code][0];
  }
}

/** What signatures, credentials and the server's state are refused with, in the terms of STS. */
export function stsErrorOf(error: S3Error): StsError {
  switch (error.code) {
    case "InvalidAccessKeyId":
    case "InvalidToken":
      return new StsError("InvalidClientTokenId");
    case "ExpiredToken":
      return new StsError("ExpiredToken");
    case "SignatureDoesNotMatch":
      return new StsError("SignatureDoesNotMatch");
    case "RequestTimeTooSkewed":
      return new StsError("SignatureDoesNotMatch", error.message);
    case "AuthorizationHeaderMalformed":
    case "AuthorizationQueryParametersError":
    case "InvalidRequest":
    case "InvalidArgument":
      return new StsError("IncompleteSignature", error.message);
    case "AccessDenied":
    case "AccountProblem":
      return new StsError("AccessDenied", error.message);
    case "SlowDown":
    case "ServiceUnavailable":
    case "InsufficientStorage":
      return new StsError("ServiceUnavailable");
    default:
      return error.status < 500 ? new StsError("ValidationError", error.message) : new StsError("InternalFailure");
  }
}
