import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  accessKeyId,
  authorizationOf,
  date,
  options,
  presigned,
  received,
  refusalOf,
  replaceHeader,
  secretKey,
  signed,
} from "#testing/received-request.ts";
import { S3Error } from "../s3/s3-error.ts";
import type { Authentication, AuthenticationOptions, RequestToAuthenticate } from "./authentication.ts";
import { emptySha256 } from "./chunk-signature.ts";
import { deriveSigningKey, signText } from "./signing-key.ts";
import { authenticateRequest } from "./verify-request.ts";

/** The right signature of what a refusal says was signed. */
function signLike(error: S3Error, service: string): string {
  const scope = { date: "20130524", region: "us-east-1", service, text: `20130524/us-east-1/${service}/aws4_request` };
  return signText(deriveSigningKey(secretKey, scope), String(error.fields["StringToSign"]));
}

describe("authenticateRequest: AWS's published examples", () => {
  // Source: AWS "Signature Calculations for the Authorization Header: Transferring Payload in a Single Chunk", examples.
  const host = "examplebucket.s3.amazonaws.com";
  const amzHeaders = { host, "x-amz-date": "20130524T000000Z", "x-amz-content-sha256": emptySha256 };
  const names = "host;x-amz-content-sha256;x-amz-date";
  const bodyHash = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";

  test.each([
    [
      "GET",
      "/test.txt",
      { ...amzHeaders, range: "bytes=0-9" },
      "host;range;x-amz-content-sha256;x-amz-date",
      "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    ],
    [
      "PUT",
      "/test$file.text",
      {
        ...amzHeaders,
        date: "Fri, 24 May 2013 00:00:00 GMT",
        "x-amz-content-sha256": bodyHash,
        "x-amz-storage-class": "REDUCED_REDUNDANCY",
      },
      "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
      "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
    ],
    ["GET", "/?lifecycle", amzHeaders, names, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"],
    [
      "GET",
      "/?max-keys=2&prefix=J",
      amzHeaders,
      names,
      "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
    ],
  ])("%s %s", (...[method, target, headers, signedHeaders, signature]) => {
    const request = received(method, target, { ...headers, Authorization: authorizationOf(signedHeaders, signature) });
    expect(authenticateRequest(request, options)).toMatchObject({
      kind: "signed",
      carrier: "header",
      version: "v4",
      accessKeyId,
      payload: { kind: "sha256", hex: headers["x-amz-content-sha256"] },
      signedAtMs: date.getTime(),
      hoistedHeaders: {},
      seed: { timestamp: "20130524T000000Z", signature },
    });
  });

  test("presigned GET", () => {
    const query = `X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${accessKeyId}%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host`;
    const target = `/test.txt?${query}&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404`;
    expect(authenticateRequest(received("GET", target, { Host: host }), options)).toMatchObject({
      kind: "signed",
      carrier: "query",
      payload: { kind: "unsigned" },
      signedAtMs: date.getTime(),
      expiresAtMs: date.getTime() + 86_400_000,
    });
  });
});

describe("authenticateRequest: what is accepted", () => {
  const accepted = (request: RequestToAuthenticate, changed: Partial<AuthenticationOptions> = {}): Authentication =>
    authenticateRequest(request, { ...options, ...changed });

  test("no carrier is anonymous, with its payload mode", () => {
    expect(accepted(received("GET", "/b/k?x-id=GetObject", { host: "s3.test" }))).toEqual({
      kind: "anonymous",
      payload: { kind: "unsigned" },
    });
    const chunked = received("PUT", "/b/k", {
      host: "s3.test",
      "content-encoding": "aws-chunked",
      "x-amz-trailer": "x-amz-checksum-crc32",
    });
    expect(accepted(chunked).payload).toEqual({ kind: "chunked", signed: false, trailer: true });
  });

  test("unsigned Content-Type, Content-MD5, Range, Expect and amz-sdk headers", () => {
    const request = signed("PUT", "/b/k");
    const added = {
      "content-type": "a/b",
      "content-md5": "x",
      range: "bytes=0-1",
      expect: "100-continue",
      "amz-sdk-request": "attempt=1",
      "x-amzn-trace-id": "1",
    };
    let all = request;
    for (const [name, value] of Object.entries(added)) all = replaceHeader(all, name, value);
    expect(accepted(all).kind).toBe("signed");
  });

  test("raw UTF-8 bytes in metadata, spaces and repeated headers", () => {
    const utf8 = Buffer.from("\u00e0 caf\u00e9 \u65e5", "utf8").toString("latin1");
    expect(accepted(signed("PUT", "/b/k", { headers: { "x-amz-meta-name": utf8 } })).kind).toBe("signed");
    const spaced = signed("PUT", "/b/k", { headers: { "x-amz-meta-name": "a b" } });
    expect(accepted(replaceHeader(spaced, "x-amz-meta-name", "  a   b ")).kind).toBe("signed");
    const joined = signed("PUT", "/b/k", { headers: { "x-amz-meta-name": "a,b" } });
    const rawHeaders = replaceHeader(joined, "x-amz-meta-name", "a").rawHeaders.concat("X-Amz-Meta-Name", "b");
    expect(accepted({ ...joined, rawHeaders }).kind).toBe("signed");
  });

  test("paths and queries however the client escapes them", () => {
    const request = signed("GET", "/b/a%20b%2Bc/%C3%A9$?prefix=a%2Fb%20c&uploads=&a=2&a=1");
    expect(
      accepted({ ...request, rawPath: "/b/a%20b+c/%c3%a9%24", rawQuery: "a=1&uploads&prefix=a/b+c&a=2" }).kind,
    ).toBe("signed");
    expect(refusalOf({ ...request, rawPath: "/b/a%20b%20c/%C3%A9$" }).code).toBe("SignatureDoesNotMatch");
  });

  test("a Date header when x-amz-date is absent", () => {
    const stringDate = "Fri, 24 May 2013 00:00:00 GMT";
    const bare = replaceHeader(signed("GET", "/b/k"), "x-amz-date", undefined);
    const canonical = `GET\n/b/k\n\ndate:${stringDate}\nhost:s3.test\nx-amz-content-sha256:${emptySha256}\n\ndate;host;x-amz-content-sha256\n${emptySha256}`;
    const dated = replaceHeader(bare, "date", stringDate);
    const withSignature = (signature: string) =>
      replaceHeader(dated, "authorization", authorizationOf("date;host;x-amz-content-sha256", signature));
    const error = refusalOf(withSignature("0".repeat(64)));
    expect(error.fields["CanonicalRequest"]).toBe(canonical);
    expect(String(error.fields["StringToSign"])).toStartWith(
      "AWS4-HMAC-SHA256\n20130524T000000Z\n20130524/us-east-1/s3/aws4_request\n",
    );
    expect(accepted(withSignature(signLike(error, "s3"))).kind).toBe("signed");
  });

  test("any region unless strict; the security token is handed on and to findKey", () => {
    expect(accepted(signed("GET", "/b/k", { region: "auto" })).kind).toBe("signed");
    let seen: string | undefined;
    const findKey = (_: string, token: string | undefined) => {
      seen = token;
      return { secretKey };
    };
    expect(accepted(signed("GET", "/b/k", { securityToken: "MX1.token" }), { findKey })).toMatchObject({
      securityToken: "MX1.token",
    });
    expect(seen).toBe("MX1.token");
    expect(accepted(presigned("GET", "/b/k", { securityToken: "MX1.+/=" }))).toMatchObject({
      securityToken: "MX1.+/=",
    });
  });

  test("the digest of a body read beforehand, for services that send no x-amz-content-sha256", () => {
    const bodySha256 = Bun.SHA256.hash("Action=GetCallerIdentity", "hex");
    const headers = { host: "s3.test", "x-amz-date": "20130524T000000Z" };
    const authorization = (signature: string) =>
      `AWS4-HMAC-SHA256 Credential=${accessKeyId}/20130524/us-east-1/sts/aws4_request, SignedHeaders=host;x-amz-date, Signature=${signature}`;
    const request = (signature: string) => ({
      ...received("POST", "/", { ...headers, authorization: authorization(signature) }),
      bodySha256,
    });
    const refusal = refusalOf(request("0".repeat(64)), { services: ["s3", "sts"] });
    expect(refusal.fields["CanonicalRequest"]).toBe(
      `POST\n/\n\nhost:s3.test\nx-amz-date:20130524T000000Z\n\nhost;x-amz-date\n${bodySha256}`,
    );
    const services = ["s3", "sts"];
    expect(accepted(request(signLike(refusal, "sts")), { services })).toMatchObject({
      kind: "signed",
      payload: { kind: "sha256", hex: bodySha256 },
    });
    expect(refusalOf(request("0".repeat(64))).code).toBe("AuthorizationHeaderMalformed");
  });

  test("headers hoisted into a presigned URL", () => {
    const meta = Buffer.from("caf\u00e9", "utf8").toString("latin1");
    const target =
      "/b/k?x-amz-acl=private&x-amz-meta-name=caf%C3%A9&X-Amz-Storage-Class=STANDARD&X-Amz-Content-Sha256=UNSIGNED-PAYLOAD&x-id=PutObject";
    expect(accepted(presigned("PUT", target))).toMatchObject({
      hoistedHeaders: { "x-amz-acl": "private", "x-amz-meta-name": meta, "x-amz-storage-class": "STANDARD" },
      payload: { kind: "unsigned" },
    });
    const both = presigned("PUT", "/b/k?x-amz-acl=private", { headers: { "x-amz-acl": "private" } });
    expect(accepted(both).kind).toBe("signed");
  });

  test("x-amz-content-sha256 of a presigned request need not be among the signed headers", () => {
    const request = presigned("PUT", "/b/k");
    expect(accepted(replaceHeader(request, "x-amz-content-sha256", "UNSIGNED-PAYLOAD")).kind).toBe("signed");
    // Yet it is the last line of what was signed.
    expect(refusalOf(replaceHeader(request, "x-amz-content-sha256", emptySha256)).code).toBe("SignatureDoesNotMatch");
  });

  test("clocks off by 900 s, not by more", () => {
    for (const offsetMs of [-900_000, 900_000])
      expect(accepted(signed("GET", "/b/k"), { nowMs: date.getTime() + offsetMs }).kind).toBe("signed");
    for (const offsetMs of [-900_001, 900_001])
      expect(refusalOf(signed("GET", "/b/k"), { nowMs: date.getTime() + offsetMs }).code).toBe("RequestTimeTooSkewed");
  });
});

test("authenticateRequest: no request makes it throw anything but S3Error, and none of these is accepted as signed", () => {
  const word = fc.oneof(
    fc.string({ maxLength: 12 }),
    fc.string({ unit: "binary", maxLength: 6 }),
    fc.constantFrom(
      "x-amz-date",
      "X-Amz-Signature",
      "X-Amz-Credential",
      "X-Amz-Algorithm",
      "Signature",
      "AWSAccessKeyId",
      "Expires",
      "AWS4-HMAC-SHA256",
      "AWS ",
      "%",
      "=",
      "&",
      "host",
      "20130524T000000Z",
      "authorization",
      "x-amz-content-sha256",
    ),
  );
  const text = fc.array(word, { maxLength: 6 }).map((words) => words.join(""));
  const setting = fc.constantFrom<"off" | "presigned" | "all">("off", "presigned", "all");
  const headers = fc.dictionary(
    word.map((name) => name.toLowerCase()),
    text,
    { maxKeys: 6 },
  );
  fc.assert(
    fc.property(fc.tuple(text, text), headers, setting, ([path, query], given, signatureV2) => {
      try {
        const request = received("PUT", `/${path}?${query}`, given);
        expect(authenticateRequest(request, { ...options, signatureV2 }).kind).toBe("anonymous");
      } catch (error) {
        expect(error).toBeInstanceOf(S3Error);
      }
    }),
    { numRuns: 1000 },
  );
});

test("authenticateRequest: any bytes in path, query and metadata that were signed are accepted", () => {
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 24 });
  const escapeAll = (value: Uint8Array) => Buffer.from(value).toString("hex").replace(/../g, "%$&");
  const utf8 = fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 }).map((value) => encodeURIComponent(value));
  fc.assert(
    fc.property(utf8, utf8, bytes, (key, prefix, meta) => {
      const value = Buffer.from(meta.map((byte) => (byte <= 0x20 || byte === 0x7f ? 0x61 : byte))).toString("latin1");
      const request = signed("PUT", `/b/${key}?prefix=${prefix}`, { headers: { "x-amz-meta-a": value } });
      expect(authenticateRequest(request, options).kind).toBe("signed");
      const lower = { ...request, rawPath: `/b/${escapeAll(Buffer.from(decodeURIComponent(key)))}` };
      expect(authenticateRequest(lower, options).kind).toBe("signed");
    }),
  );
});
