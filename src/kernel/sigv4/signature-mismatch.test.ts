import { expect, test } from "bun:test";
import { signatureMismatch } from "./signature-mismatch.ts";

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

test("signatureMismatch: session tokens and customers' keys are masked, and nothing else", () => {
  const key = "x-amz-server-side-encryption-customer-key";
  const shown = (secret: string) =>
    `GET\n/x-amz-security-token:a\nX-Amz-Date=1&X-Amz-Security-Token=${secret}&x=1\nhost:a\nx-amz-copy-source-server-side-encryption-customer-key:${secret}\nx-amz-security-token:${secret}\n${key}:${secret}\n${key}-md5:digest\n\nhost;x-amz-security-token;${key}\nhash`;
  const secret = "MX1.secret/+=";
  const text = shown(secret);
  const masked = shown(`(sha256 ${Bun.SHA256.hash(secret, "hex").slice(0, 8)})`);
  const { fields } = signatureMismatch({ stringToSign: text, signatureProvided: "00", canonicalRequest: text });
  for (const name of ["StringToSign", "CanonicalRequest"]) expect(fields[name]).toBe(masked);
  for (const name of ["StringToSignBytes", "CanonicalRequestBytes"]) {
    expect(Buffer.from(String(fields[name]).replaceAll(" ", ""), "hex").toString()).toBe(masked);
  }
});
