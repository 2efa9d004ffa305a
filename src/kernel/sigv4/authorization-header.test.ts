import { expect, test } from "bun:test";
import fc from "fast-check";
import { S3Error } from "../s3/s3-error.ts";
import { parseAuthorizationHeader, parseSignedHeaders } from "./authorization-header.ts";

const credential = "Credential=AK/20130524/us-east-1/s3/aws4_request";
const signature = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41";

function codeOf(text: string): string {
  try {
    parseAuthorizationHeader(text);
    return "accepted";
  } catch (error) {
    if (error instanceof S3Error) return error.code;
    throw error;
  }
}

test("parseAuthorizationHeader: takes any order and spacing of components", () => {
  const texts = [
    `AWS4-HMAC-SHA256 ${credential}, SignedHeaders=host;x-amz-date, Signature=${signature}`,
    `AWS4-HMAC-SHA256 ${credential},SignedHeaders=host;x-amz-date,Signature=${signature}`,
    `AWS4-HMAC-SHA256   Signature=${signature} ,  SignedHeaders=host;x-amz-date\t, ${credential}`,
  ];
  for (const text of [...texts, ...texts]) {
    const parsed = parseAuthorizationHeader(text);
    expect(parsed.credential.accessKeyId).toBe("AK");
    expect(parsed.credential.scope.region).toBe("us-east-1");
    expect(parsed.signedHeaders).toEqual(["host", "x-amz-date"]);
    expect(parsed.signature).toBe(signature);
  }
});

test("parseAuthorizationHeader: remembering a client does not mix up signatures", () => {
  const head = `AWS4-HMAC-SHA256 ${credential}, SignedHeaders=host, Signature=`;
  expect(parseAuthorizationHeader(head + "a".repeat(64)).signature).toBe("a".repeat(64));
  expect(parseAuthorizationHeader(head + "b".repeat(64)).signature).toBe("b".repeat(64));
  expect(parseAuthorizationHeader(`${head}short`).signature).toBe("short");
  expect(codeOf(`${head}${"a".repeat(60)}, b=`)).toBe("AuthorizationHeaderMalformed");
});

test("parseAuthorizationHeader: malformed texts are AuthorizationHeaderMalformed, SigV4A is NotImplemented", () => {
  const headers = "SignedHeaders=host";
  const end = `Signature=${signature}`;
  const refused = [
    "",
    "Basic YTpi",
    "Bearer x",
    "AWS4-HMAC-SHA256",
    "AWS4-HMAC-SHA256 ",
    `AWS4-HMAC-SHA256 ${credential}`,
    `${credential}, ${headers}, ${end}`,
  ];
  refused.push(
    `AWS4-HMAC-SHA256 ${credential}, ${end}`,
    `AWS4-HMAC-SHA256 ${headers}, ${end}`,
    `AWS4-HMAC-SHA256 ${credential}, ${headers}`,
  );
  refused.push(
    `AWS4-HMAC-SHA256 ${credential}, ${headers}, Signature=`,
    `AWS4-HMAC-SHA256 ${credential}, SignedHeaders=, ${end}`,
  );
  refused.push(
    `AWS4-HMAC-SHA256 ${credential}, SignedHeaders=Host, ${end}`,
    `AWS4-HMAC-SHA256 ${credential}, ${headers}, ${end}, X=1`,
  );
  refused.push(
    `AWS4-HMAC-SHA256 ${credential}, ${credential}, ${headers}, ${end}`,
    `AWS4-HMAC-SHA256 Credential=AK, ${headers}, ${end}`,
  );
  refused.push(
    `aws4-hmac-sha256 ${credential}, ${headers}, ${end}`,
    `AWS4-HMAC-SHA256 ${credential}, ${headers}, X${end}`,
  );
  for (const text of refused) expect([text, codeOf(text)]).toEqual([text, "AuthorizationHeaderMalformed"]);
  expect(codeOf(`AWS4-ECDSA-P256-SHA256 ${credential}, ${headers}, ${end}`)).toBe("NotImplemented");
});

test("parseSignedHeaders: splits lower-case names", () => {
  expect(parseSignedHeaders("host")).toEqual(["host"]);
  expect(parseSignedHeaders("host;x-amz-meta-a_b.c")).toEqual(["host", "x-amz-meta-a_b.c"]);
  for (const text of ["", ";", "host;", ";host", "a;;b", "Host", "a b", "h\u00f6st"])
    expect(parseSignedHeaders(text)).toBeUndefined();
});

test("parseAuthorizationHeader: no text makes it throw anything but S3Error", () => {
  const fragment = fc.oneof(
    fc.string({ unit: "binary", maxLength: 20 }),
    fc.constantFrom("AWS4-HMAC-SHA256 ", credential, ", ", "SignedHeaders=", "Signature=", signature, "/"),
  );
  fc.assert(
    fc.property(fc.array(fragment, { maxLength: 8 }), (fragments) => void codeOf(fragments.join(""))),
    { numRuns: 2000 },
  );
});
