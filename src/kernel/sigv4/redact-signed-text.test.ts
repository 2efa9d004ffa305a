import { expect, test } from "bun:test";
import { redactSignedText } from "./redact-signed-text.ts";

const key = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

test("redactSignedText: tokens, customers' keys and credentials go, wherever they are signed; all else stays", () => {
  const text = [
    "GET",
    "/photos/a",
    `X-Amz-Date=20260102T030405Z&X-Amz-Security-Token=${key}&prefix=x-amz-security-token`,
    "host:s3.example",
    `x-amz-security-token:${key}`,
    `x-amz-server-side-encryption-customer-key:${key}`,
    `x-amz-copy-source-server-side-encryption-customer-key:${key}`,
    `authorization:Basic ${key}`,
    `cookie:session=${key}`,
    "",
    "host;x-amz-security-token",
    "UNSIGNED-PAYLOAD",
  ].join("\n");
  const redacted = redactSignedText(text);
  expect(redacted).not.toContain(key);
  expect(redactSignedText(redacted)).toBe(redacted);
  expect(redacted.match(/\(sha256 [0-9a-f]{8}\)/g)).toHaveLength(6);
  expect(redacted).toContain("&prefix=x-amz-security-token\nhost:s3.example\nx-amz-security-token:(sha256 ");
  expect(redacted).toEndWith("\n\nhost;x-amz-security-token\nUNSIGNED-PAYLOAD");
});

test("redactSignedText: what differed still differs, what was equal is equal", () => {
  const of = (token: string) => redactSignedText(`x-amz-security-token:${token}`);
  expect(of("one")).toBe(of("one"));
  expect(of("one")).not.toBe(of("two"));
  expect(redactSignedText("x-amz-security-token:")).toBe("x-amz-security-token:");
});
