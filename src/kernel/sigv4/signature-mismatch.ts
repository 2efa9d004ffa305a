import { timingSafeEqual } from "node:crypto";
import { S3Error } from "../s3/s3-error.ts";

/** What a signature was computed over: all of it came from the caller. Texts are latin1 strings of bytes. */
export interface MismatchDetail {
  readonly accessKeyId?: string;
  readonly stringToSign: string;
  readonly signatureProvided: string;
  readonly canonicalRequest?: string;
}

/** Compares two signatures in time that does not depend on where they differ. */
export function signaturesAreEqual(expected: string, provided: string): boolean {
  const expectedBytes = Buffer.from(expected, "utf8");
  const providedBytes = Buffer.from(provided, "utf8");
  return expectedBytes.length === providedBytes.length && timingSafeEqual(expectedBytes, providedBytes);
}

/**
 * SignatureDoesNotMatch with the fields that let a client see what the server signed; never key material.
 * Source: AWS "Troubleshooting SignatureDoesNotMatch".
 */
export function signatureMismatch(detail: MismatchDetail): S3Error {
  const fields: Record<string, string> = {};
  if (detail.accessKeyId !== undefined) fields["AWSAccessKeyId"] = detail.accessKeyId;
  fields["StringToSign"] = showBytes(detail.stringToSign);
  fields["SignatureProvided"] = detail.signatureProvided;
  fields["StringToSignBytes"] = spellBytes(detail.stringToSign);
  if (detail.canonicalRequest !== undefined) {
    fields["CanonicalRequest"] = showBytes(detail.canonicalRequest);
    fields["CanonicalRequestBytes"] = spellBytes(detail.canonicalRequest);
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
