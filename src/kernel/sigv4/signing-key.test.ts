import { expect, test } from "bun:test";
import { deriveSigningKey, signingKeyOf, signText } from "./signing-key.ts";

const secretKey = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const scope = { date: "20150830", region: "us-east-1", service: "iam", text: "20150830/us-east-1/iam/aws4_request" };

test("deriveSigningKey: equals the example of AWS's documentation", () => {
  // Source: AWS General Reference, "Examples of how to derive a signing key for Signature Version 4".
  expect(Buffer.from(deriveSigningKey(secretKey, scope)).toString("hex")).toBe(
    "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9",
  );
});

test("signingKeyOf: remembers per key, secret and scope", () => {
  const first = signingKeyOf("AK", secretKey, scope);
  expect(signingKeyOf("AK", secretKey, scope)).toBe(first);
  expect(signingKeyOf("AK", "another secret", scope)).toEqual(deriveSigningKey("another secret", scope));
  expect(signingKeyOf("AK", secretKey, scope)).toEqual(first);
  const tomorrow = { ...scope, date: "20150831", text: "20150831/us-east-1/iam/aws4_request" };
  expect(signingKeyOf("AK", secretKey, tomorrow)).not.toEqual(first);
});

test("signText: equals the example of AWS's documentation", () => {
  // Source: AWS General Reference, "Task 3: Calculate the signature" (ListUsers example).
  const stringToSign =
    "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/iam/aws4_request\nf536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59";
  expect(signText(deriveSigningKey(secretKey, scope), stringToSign)).toBe(
    "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
  );
});
