import { describe, expect, test } from "bun:test";
import {
  accessKeyId,
  date,
  options,
  presigned,
  received,
  refusalOf,
  replaceHeader,
  secretKey,
  signed,
} from "#testing/received-request.ts";
import type { RequestToAuthenticate } from "./authentication.ts";
import { emptySha256 } from "./chunk-signature.ts";
import { authenticateRequest } from "./verify-request.ts";

describe("authenticateRequest: each row of the failure table", () => {
  const good = signed("PUT", "/b/k?a=1", { headers: { "x-amz-meta-a": "1" } });
  const authorization = String(good.headers["authorization"]);
  const withAuthorization = (change: (text: string) => string) =>
    replaceHeader(good, "authorization", change(authorization));

  test("unparsable header, scope date, service, terminator: 400 AuthorizationHeaderMalformed", () => {
    const changes = [
      "AWS4-HMAC-SHA256 nonsense",
      "Bearer token",
      "",
      authorization.replace("20130524/", "20130525/"),
      authorization.replace("20130524/", "2013/"),
    ];
    changes.push(authorization.replace("/s3/", "/ec2/"), authorization.replace("aws4_request", "aws4"));
    for (const change of changes)
      expect(refusalOf(withAuthorization(() => change))).toMatchObject({
        code: "AuthorizationHeaderMalformed",
        status: 400,
      });
    expect(refusalOf(withAuthorization((text) => text.replace("HMAC-SHA256", "ECDSA-P256-SHA256"))).status).toBe(501);
  });

  test("another region under strict_region: 400 with Region", () => {
    const strict = { strictRegion: true, region: "eu-west-1" };
    expect(refusalOf(good, strict)).toMatchObject({
      code: "AuthorizationHeaderMalformed",
      fields: { Region: "eu-west-1" },
    });
    expect(refusalOf(presigned("GET", "/b/k"), strict)).toMatchObject({
      code: "AuthorizationQueryParametersError",
      fields: { Region: "eu-west-1" },
    });
  });

  test("presign parameter missing or malformed: 400 AuthorizationQueryParametersError", () => {
    const url = presigned("GET", "/b/k");
    for (const name of ["Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature"]) {
      const rawQuery = url.rawQuery
        .split("&")
        .filter((part) => !part.startsWith(`X-Amz-${name}=`))
        .join("&");
      expect([name, refusalOf({ ...url, rawQuery }).code]).toEqual([name, "AuthorizationQueryParametersError"]);
      const twice = `${url.rawQuery}&x-amz-${name.toLowerCase()}=1`;
      expect(refusalOf({ ...url, rawQuery: twice }).code).toBe("AuthorizationQueryParametersError");
    }
    const changes = [
      ["Expires=600", "Expires=-1"],
      ["Expires=600", "Expires=604801"],
      ["Expires=600", "Expires=1e2"],
      ["Date=20130524T000000Z", "Date=20130524"],
    ];
    changes.push(
      ["Date=20130524T000000Z", "Date=20130523T000000Z"],
      ["HMAC-SHA256", "HMAC-SHA1"],
      ["%2Fs3%2F", "%2Fec2%2F"],
      ["SignedHeaders=host", "SignedHeaders=Host"],
    );
    for (const [from = "", to = ""] of changes) {
      expect(refusalOf({ ...url, rawQuery: url.rawQuery.replace(from, to) })).toMatchObject({
        code: "AuthorizationQueryParametersError",
        status: 400,
      });
    }
    expect(refusalOf({ ...url, rawQuery: url.rawQuery.replace("HMAC-SHA256", "ECDSA-P256-SHA256") }).status).toBe(501);
  });

  test("an expired or premature URL: 403 AccessDenied with Expires and ServerTime", () => {
    const url = presigned("GET", "/b/k");
    const refused = (nowMs: number) => refusalOf(url, { nowMs });
    expect(authenticateRequest(url, { ...options, nowMs: date.getTime() + 599_999 }).kind).toBe("signed");
    expect(refused(date.getTime() + 600_000)).toMatchObject({
      code: "AccessDenied",
      message: "Request has expired",
      fields: { Expires: "2013-05-24T00:10:00Z", ServerTime: "2013-05-24T00:10:00Z" },
    });
    expect(authenticateRequest(url, { ...options, nowMs: date.getTime() - 900_000 }).kind).toBe("signed");
    expect(refused(date.getTime() - 900_001).code).toBe("AccessDenied");
    expect(refusalOf(presigned("GET", "/b/k", { expiresSeconds: 0 })).message).toBe("Request has expired");
    expect(refusalOf(presigned("GET", "/b/k", { expiresSeconds: 0 }), { nowMs: date.getTime() - 1000 }).code).toBe(
      "AccessDenied",
    );
  });

  test("no date: 403 AccessDenied; stale: 403 RequestTimeTooSkewed", () => {
    for (const value of [undefined, "", "now", "20130524"])
      expect(refusalOf(replaceHeader(good, "x-amz-date", value)).code).toBe("AccessDenied");
    expect(refusalOf(good, { nowMs: date.getTime() + 3_600_000 })).toMatchObject({
      code: "RequestTimeTooSkewed",
      status: 403,
      fields: { RequestTime: "20130524T000000Z" },
    });
  });

  test("an unknown key: 403 InvalidAccessKeyId", () => {
    const findKey = () => undefined;
    expect(refusalOf(good, { findKey })).toMatchObject({
      code: "InvalidAccessKeyId",
      status: 403,
      fields: { AWSAccessKeyId: accessKeyId },
    });
    expect(refusalOf(presigned("GET", "/b/k"), { findKey }).code).toBe("InvalidAccessKeyId");
  });

  test("a wrong secret or anything signed that changed: 403 SignatureDoesNotMatch", () => {
    const digit = authorization.endsWith("0") ? "1" : "0";
    const tampered: readonly RequestToAuthenticate[] = [
      { ...good, method: "DELETE" },
      { ...good, rawPath: "/b/l" },
      { ...good, rawPath: "/b//k" },
      { ...good, rawQuery: "a=2" },
      { ...good, rawQuery: "" },
      { ...good, rawQuery: "a=1&b" },
      replaceHeader(good, "host", "other.test"),
      replaceHeader(good, "x-amz-meta-a", "2"),
      replaceHeader(good, "x-amz-meta-a", undefined),
      replaceHeader(good, "x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
      replaceHeader(good, "x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
      replaceHeader(good, "x-amz-date", "20130524T000001Z"),
      withAuthorization((text) => text.slice(0, -1) + digit),
      withAuthorization((text) => text.slice(0, -1)),
      withAuthorization((text) => `${text.slice(0, -1)}00`),
      withAuthorization((text) => text.replace("us-east-1", "us-east-2")),
    ];
    for (const request of tampered)
      expect(refusalOf(request)).toMatchObject({ code: "SignatureDoesNotMatch", status: 403 });
    expect(refusalOf(good, { findKey: () => ({ secretKey: "another" }) }).code).toBe("SignatureDoesNotMatch");
    const url = presigned("GET", "/b/k?versionId=1");
    for (const [from = "", to = ""] of [
      ["versionId=1", "versionId=2"],
      ["Expires=600", "Expires=601"],
      ["versionId=1&", ""],
      ["host&", "host&x-amz-acl=private&"],
    ]) {
      expect(refusalOf({ ...url, rawQuery: url.rawQuery.replace(from, to) }).code).toBe("SignatureDoesNotMatch");
    }
  });

  test("SignatureDoesNotMatch carries what was signed, and no key material", () => {
    const error = refusalOf({ ...good, method: "GET" });
    const canonicalRequest = `GET\n/b/k\na=1\nhost:s3.test\nx-amz-content-sha256:${emptySha256}\nx-amz-date:20130524T000000Z\nx-amz-meta-a:1\n\nhost;x-amz-content-sha256;x-amz-date;x-amz-meta-a\n${emptySha256}`;
    const stringToSign = `AWS4-HMAC-SHA256\n20130524T000000Z\n20130524/us-east-1/s3/aws4_request\n${Bun.SHA256.hash(canonicalRequest, "hex")}`;
    const spell = (text: string) => [...Buffer.from(text)].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    expect(error.fields).toEqual({
      AWSAccessKeyId: accessKeyId,
      StringToSign: stringToSign,
      SignatureProvided: authorization.slice(-64),
      StringToSignBytes: spell(stringToSign),
      CanonicalRequest: canonicalRequest,
      CanonicalRequestBytes: spell(canonicalRequest),
    });
    expect(JSON.stringify(error)).not.toContain(secretKey);
  });

  test("host or an x-amz-* header not signed: 403 AccessDenied with HeadersNotSigned", () => {
    const added = replaceHeader(replaceHeader(good, "x-amz-acl", "public-read"), "x-amz-copy-source", "/other/key");
    expect(refusalOf(added)).toMatchObject({
      code: "AccessDenied",
      fields: { HeadersNotSigned: "x-amz-acl, x-amz-copy-source" },
    });
    expect(refusalOf(withAuthorization((text) => text.replace("=host;", "="))).fields).toEqual({
      HeadersNotSigned: "host",
    });
    expect(refusalOf(withAuthorization((text) => text.replace("x-amz-content-sha256;", ""))).fields).toEqual({
      HeadersNotSigned: "x-amz-content-sha256",
    });
    expect(refusalOf(replaceHeader(presigned("PUT", "/b/k"), "X-Amz-Acl", "public-read")).fields).toEqual({
      HeadersNotSigned: "x-amz-acl",
    });
  });

  test("a header that contradicts its hoisted parameter: 403 AccessDenied", () => {
    const url = presigned("PUT", "/b/k?x-amz-acl=private", { headers: { "x-amz-acl": "public-read" } });
    expect(refusalOf(url)).toMatchObject({ code: "AccessDenied", fields: { HeadersNotSigned: "x-amz-acl" } });
  });

  test("no payload hash with header auth: 400 InvalidRequest; unknown value: 400 InvalidArgument", () => {
    expect(refusalOf(replaceHeader(good, "x-amz-content-sha256", undefined)).code).toBe("InvalidRequest");
    expect(refusalOf(replaceHeader(good, "x-amz-content-sha256", "none")).code).toBe("InvalidArgument");
    expect(
      refusalOf(replaceHeader(good, "x-amz-content-sha256", "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD")).code,
    ).toBe("NotImplemented");
  });

  test("two carriers: 400 InvalidArgument", () => {
    const url = presigned("GET", "/b/k");
    const sigV2 = `AWSAccessKeyId=${accessKeyId}&Expires=1369353700&Signature=x`;
    const pairs = [
      { ...good, rawQuery: url.rawQuery },
      { ...good, rawQuery: "X-Amz-Signature=1" },
      { ...good, rawQuery: "x%2damz-credential=1" },
    ];
    pairs.push({ ...good, rawQuery: sigV2 }, { ...url, rawQuery: `${url.rawQuery}&${sigV2}` });
    const repeated = { ...good, rawHeaders: [...good.rawHeaders, "Authorization", authorization] };
    for (const request of [...pairs, repeated])
      expect(refusalOf(request).message).toStartWith("Only one auth mechanism allowed");
  });

  test("two Host headers: 400 InvalidRequest, anonymous too", () => {
    const request = received("GET", "/b/k", { host: "a" });
    expect(refusalOf({ ...request, rawHeaders: [...request.rawHeaders, "Host", "b"] }).code).toBe("InvalidRequest");
  });

  test("a line break in a hoisted header: 400 InvalidArgument", () => {
    expect(refusalOf(presigned("PUT", "/b/k?x-amz-meta-a=b%0D%0AX-Evil:%201")).code).toBe("InvalidArgument");
    expect(refusalOf(presigned("PUT", "/b/k?x-amz-meta-a%20b=1")).code).toBe("InvalidArgument");
    expect(refusalOf(presigned("PUT", "/b/k?x-amz-meta-a=%00")).code).toBe("InvalidArgument");
  });
});
