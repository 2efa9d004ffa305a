import { expect, test } from "bun:test";
import { signatureMismatch, signaturesAreEqual } from "./signature-mismatch.ts";

test("signaturesAreEqual: only equal texts are", () => {
  expect(signaturesAreEqual("abc", "abc")).toBe(true);
  expect(signaturesAreEqual("abc", "abd")).toBe(false);
  expect(signaturesAreEqual("abc", "ab")).toBe(false);
  // A character whose low byte is that of the expected one must not pass.
  expect(signaturesAreEqual("abc", "ab\u0163")).toBe(false);
});

test("signatureMismatch: spells bytes in hex and shows UTF-8", () => {
  const error = signatureMismatch({
    accessKeyId: "AK",
    stringToSign: "a\nb",
    signatureProvided: "00",
    canonicalRequest: "\u00c3\u00a9",
  });
  expect(error.status).toBe(403);
  expect(error.fields).toEqual({
    AWSAccessKeyId: "AK",
    StringToSign: "a\nb",
    SignatureProvided: "00",
    StringToSignBytes: "61 0a 62",
    CanonicalRequest: "\u00e9",
    CanonicalRequestBytes: "c3 a9",
  });
});
