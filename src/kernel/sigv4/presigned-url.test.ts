import { expect, test } from "bun:test";
import fc from "fast-check";
import { S3Error } from "../s3/s3-error.ts";
import { parseCanonicalQuery } from "./canonical-uri.ts";
import { hasPresignedParameters, parsePresignedUrl } from "./presigned-url.ts";

const nowMs = Date.UTC(2013, 4, 24);
const request = { method: "GET", rawPath: "/b/k", rawQuery: "", headers: { host: "h" }, rawHeaders: ["Host", "h"] };
const query =
  "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AK%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=604800&X-Amz-SignedHeaders=host%3Bx-amz-acl&X-Amz-Signature=ab";

test("parsePresignedUrl: reads every parameter", () => {
  const rawQuery = `${query}&X-Amz-Security-Token=t%2Bk&x-amz-content-sha256=UNSIGNED-PAYLOAD&x-amz-meta-a=%20b%20&versionId=1`;
  const url = parsePresignedUrl(parseCanonicalQuery(rawQuery), request, nowMs);
  expect(url).toMatchObject({
    signedHeaders: ["host", "x-amz-acl"],
    signature: "ab",
    timestamp: "20130524T000000Z",
    signedAtMs: nowMs,
    expiresAtMs: nowMs + 604_800_000,
    securityToken: "t+k",
    contentSha256: "UNSIGNED-PAYLOAD",
  });
  expect(url.hoistedHeaders).toEqual({ "x-amz-meta-a": "b" });
});

test("hasPresignedParameters: one of the three names is enough, escaped or in another case too", () => {
  for (const raw of ["X-Amz-Algorithm", "a=1&X-Amz-Credential=", "x-amz-signature=1", "X%2DAmz-Signature=1"]) {
    expect(hasPresignedParameters(parseCanonicalQuery(raw))).toBe(true);
  }
  for (const raw of ["", "X-Amz-Date=1", "x-id=GetObject", "prefix=X-Amz-Signature"])
    expect(hasPresignedParameters(parseCanonicalQuery(raw))).toBe(false);
});

test("parsePresignedUrl: no query makes it throw anything but S3Error", () => {
  const part = fc.oneof(
    fc.constantFrom(...query.split("&")),
    fc.string({ unit: "binary", maxLength: 12 }),
    fc.constantFrom("x-amz-meta-a=%0", "X-Amz-Expires=99999999999999999999", "x-amz-"),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 9 }), (parts) => {
      try {
        parsePresignedUrl(parseCanonicalQuery(parts.join("&")), request, nowMs);
      } catch (error) {
        expect(error).toBeInstanceOf(S3Error);
      }
    }),
    { numRuns: 1000 },
  );
});
