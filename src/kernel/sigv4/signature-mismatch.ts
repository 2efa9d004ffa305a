import { S3Error } from "../s3/s3-error.ts";
import { redactSignedText } from "./redact-signed-text.ts";

/** What a signature was computed over: all of it came from the caller. Texts are latin1 strings of bytes. */
export interface MismatchDetail {
  readonly accessKeyId?: string;
  readonly stringToSign: string;
  readonly signatureProvided: string;
  readonly canonicalRequest?: string;
}

/**
 * SignatureDoesNotMatch with the fields that let a client see what the server signed; never key material: who reads the answer need not be who
 * signed, so session tokens and customers' keys are 32 bits of their digests.
 * Source: AWS "Troubleshooting SignatureDoesNotMatch".
 */
export function signatureMismatch(detail: MismatchDetail): S3Error {
  const fields: Record<string, string> = {};
  const stringToSign = redactSignedText(detail.stringToSign);
  if (detail.accessKeyId !== undefined) fields["AWSAccessKeyId"] = detail.accessKeyId;
  fields["StringToSign"] = showBytes(stringToSign);
  fields["SignatureProvided"] = detail.signatureProvided;
  fields["StringToSignBytes"] = spellBytes(stringToSign);
  if (detail.canonicalRequest !== undefined) {
    const canonicalRequest = redactSignedText(detail.canonicalRequest);
    fields["CanonicalRequest"] = showBytes(canonicalRequest);
    fields["CanonicalRequestBytes"] = spellBytes(canonicalRequest);
  }
  return new S3Error("SignatureDoesNotMatch", { fields });
}

function showBytes(latin1: string): string {
  return Buffer.from(latin1, "latin1").toString("utf8");
}

function spellBytes(latin1: string): string {
  return Buffer.from(latin1, "latin1")
    .toString("hex")
    .replace(/..(?!$)/g, "$& ");
}
