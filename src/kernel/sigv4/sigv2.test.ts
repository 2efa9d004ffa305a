import { expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { S3Error } from "../s3/s3-error.ts";
import type { AuthenticationOptions, RequestToAuthenticate } from "./authentication.ts";
import { parseCanonicalQuery } from "./canonical-uri.ts";
import { listSigV2Paths, parseSigV2Header, renderSigV2StringToSign, signSigV2 } from "./sigv2.ts";
import { authenticateRequest } from "./verify-request.ts";

const accessKeyId = "AKIAIOSFODNN7EXAMPLE";
const secretKey = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const date = "Tue, 27 Mar 2007 19:36:42 +0000";
const nowMs = Date.UTC(2007, 2, 27, 19, 36, 42);

function optionsOf(
  signatureV2: AuthenticationOptions["signatureV2"],
  changed: Partial<AuthenticationOptions> = {},
): AuthenticationOptions {
  const findKey = (id: string) => (id === accessKeyId ? { secretKey } : undefined);
  return { findKey, nowMs, signatureV2, region: "us-east-1", strictRegion: false, ...changed };
}

function received(method: string, target: string, headers: Readonly<Record<string, string>>): RequestToAuthenticate {
  const [rawPath = "", rawQuery = ""] = target.split(/\?(.*)/s, 2);
  return { method, rawPath, rawQuery, headers, rawHeaders: Object.entries(headers).flat() };
}

function errorOf(request: RequestToAuthenticate, options: AuthenticationOptions): S3Error {
  try {
    authenticateRequest(request, options);
  } catch (error) {
    if (error instanceof S3Error) return error;
    throw error;
  }
  throw new Error("the request was accepted");
}

function presign(
  method: string,
  target: string,
  {
    headers = {},
    hoisted = {},
  }: { headers?: Readonly<Record<string, string>>; hoisted?: Readonly<Record<string, string>> } = {},
): RequestToAuthenticate {
  const expires = String(nowMs / 1000 + 600);
  const request = received(method, target, { host: "h", ...headers });
  const stringToSign = renderSigV2StringToSign(request, parseCanonicalQuery(request.rawQuery), {
    path: request.rawPath,
    date: expires,
    hoistedHeaders: hoisted,
  });
  const parameters = new URLSearchParams({
    ...hoisted,
    AWSAccessKeyId: accessKeyId,
    Expires: expires,
    Signature: signSigV2(secretKey, stringToSign),
  });
  return { ...request, rawQuery: `${request.rawQuery === "" ? "" : `${request.rawQuery}&`}${parameters}` };
}

test("authenticateRequest: AWS's SigV2 header examples", () => {
  // Source: AWS "Signing and authenticating REST requests (SigV2)", authentication examples.
  const examples = [
    received("GET", "/photos/puppy.jpg", { date, authorization: `AWS ${accessKeyId}:qgk2+6Sv9/oM7G3qLEjTH1a1l1g=` }),
    received("PUT", "/photos/puppy.jpg", {
      "content-type": "image/jpeg",
      date: "Tue, 27 Mar 2007 21:15:45 +0000",
      authorization: `AWS ${accessKeyId}:iqRzw+ileNPu1fhspnRs8nOjjIA=`,
    }),
    received("GET", "/?prefix=photos&max-keys=50&marker=puppy", {
      date: "Tue, 27 Mar 2007 19:42:41 +0000",
      authorization: `AWS ${accessKeyId}:m0WP8eCtspQl5Ahe6L1SozdX9YA=`,
    }),
    received("GET", "/?acl", {
      date: "Tue, 27 Mar 2007 19:44:46 +0000",
      authorization: `AWS ${accessKeyId}:82ZHiFIjc+WbcwFKGUVEQspPn+0=`,
    }),
  ];
  for (const request of examples) {
    const signedAtMs = Date.parse(String(request.headers["date"]));
    expect(
      authenticateRequest(
        { ...request, virtualHostBucket: "awsexamplebucket1" },
        optionsOf("all", { nowMs: signedAtMs }),
      ),
    ).toEqual({
      kind: "signed",
      carrier: "header",
      version: "v2",
      accessKeyId,
      payload: { kind: "unsigned" },
      signedAtMs,
      hoistedHeaders: {},
    });
  }
});

test("authenticateRequest: AWS's SigV2 query example", () => {
  const target = `/photos/puppy.jpg?AWSAccessKeyId=${accessKeyId}&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D&Expires=1175139620`;
  const request = {
    ...received("GET", target, { host: "johnsmith.s3.amazonaws.com" }),
    virtualHostBucket: "johnsmith",
  };
  const expected = { kind: "signed", carrier: "query", version: "v2", accessKeyId, expiresAtMs: 1_175_139_620_000 };
  expect(authenticateRequest(request, optionsOf("presigned"))).toMatchObject(expected);
  // Base64 that was not escaped.
  const raw = { ...request, rawQuery: request.rawQuery.replace("%2B", "+").replace("%3D", "=") };
  expect(authenticateRequest(raw, optionsOf("presigned"))).toMatchObject(expected);
});

test("authenticateRequest: the setting decides which SigV2 carrier is taken", () => {
  const header = received("GET", "/photos/puppy.jpg", {
    date,
    authorization: `AWS ${accessKeyId}:qgk2+6Sv9/oM7G3qLEjTH1a1l1g=`,
  });
  const message = "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.";
  for (const setting of ["off", "presigned"] as const) {
    expect(errorOf(header, optionsOf(setting))).toMatchObject({ code: "InvalidRequest", status: 400, message });
  }
  const url = presign("GET", "/b/k");
  expect(errorOf(url, optionsOf("off"))).toMatchObject({ code: "InvalidRequest", message });
  for (const setting of ["presigned", "all"] as const)
    expect(authenticateRequest(url, optionsOf(setting)).kind).toBe("signed");
});

test("authenticateRequest: SigV2 URLs outside their time or malformed are refused", () => {
  const url = presign("GET", "/b/k");
  expect(errorOf(url, optionsOf("all", { nowMs: nowMs + 600_000 }))).toMatchObject({
    code: "AccessDenied",
    message: "Request has expired",
  });
  expect(errorOf(url, optionsOf("all", { nowMs: nowMs - 604_800_000 }))).toMatchObject({
    code: "AccessDenied",
    status: 403,
  });
  for (const name of ["AWSAccessKeyId", "Expires", "Signature"]) {
    const without = {
      ...url,
      rawQuery: url.rawQuery
        .split("&")
        .filter((part) => !part.startsWith(`${name}=`))
        .join("&"),
    };
    expect(errorOf(without, optionsOf("all")).code).toBe("AuthorizationQueryParametersError");
    expect(errorOf({ ...url, rawQuery: `${url.rawQuery}&${name}=1` }, optionsOf("all")).code).toBe(
      "AuthorizationQueryParametersError",
    );
  }
  expect(
    errorOf({ ...url, rawQuery: url.rawQuery.replace(/Expires=\d+/, "Expires=soon") }, optionsOf("all")).code,
  ).toBe("AuthorizationQueryParametersError");
  expect(errorOf(url, optionsOf("all", { findKey: () => undefined })).code).toBe("InvalidAccessKeyId");
});

test("authenticateRequest: nothing a SigV2 URL signs can be changed", () => {
  const url = presign("PUT", "/b/k?versionId=1", { headers: { "content-type": "a/b", "x-amz-acl": "private" } });
  expect(authenticateRequest(url, optionsOf("all")).kind).toBe("signed");
  const withHeaders = (headers: Readonly<Record<string, string>>) => ({
    ...url,
    headers,
    rawHeaders: Object.entries(headers).flat(),
  });
  const tampered = [
    { ...url, method: "GET" },
    { ...url, rawPath: "/b/l" },
    { ...url, rawQuery: url.rawQuery.replace("versionId=1", "versionId=2") },
    { ...url, rawQuery: `${url.rawQuery}&retention` },
    { ...url, rawQuery: `${url.rawQuery}&x-amz-meta-a=1` },
    { ...url, rawQuery: url.rawQuery.replace(/Expires=\d+/, `Expires=${nowMs / 1000 + 601}`) },
    withHeaders({ host: "h", "content-type": "a/b", "x-amz-acl": "private", "x-amz-copy-source": "/other/key" }),
    withHeaders({ host: "h", "content-type": "a/c", "x-amz-acl": "private" }),
    withHeaders({ host: "h", "content-type": "a/b", "x-amz-acl": "public-read" }),
  ];
  for (const request of tampered)
    expect(errorOf(request, optionsOf("all"))).toMatchObject({ code: "SignatureDoesNotMatch", status: 403 });
  // Signed as one value, it could be sent as two parameters, and the other way round.
  const split = presign("GET", "/b/k?response-content-type=a&versionId=2");
  const merged = { ...split, rawQuery: split.rawQuery.replace("a&versionId=2", "a%26versionId%3D2") };
  expect(authenticateRequest(split, optionsOf("all")).kind).toBe("signed");
  expect(errorOf(merged, optionsOf("all")).code).toBe("InvalidRequest");
  for (const value of ["a%26acl", "a%26acl%3D", "a%26b%26uploads", "%26versionId%3D%26"])
    expect(errorOf(presignByHand(`response-content-type=${value}`), optionsOf("all")).code).toBe("InvalidRequest");
  const error = errorOf({ ...url, method: "GET" }, optionsOf("all"));
  expect(Object.keys(error.fields)).toEqual([
    "AWSAccessKeyId",
    "StringToSign",
    "SignatureProvided",
    "StringToSignBytes",
  ]);
});

/** As a client that knows nothing of this code signs a URL for GET /b/k: decoded values, sorted by name. */
function presignByHand(rawQuery: string): RequestToAuthenticate {
  const expires = String(nowMs / 1000 + 600);
  const resource = decodeURIComponent(rawQuery.split("&").sort().join("\n")).replaceAll("\n", "&");
  const signature = createHmac("sha1", secretKey).update(`GET\n\n\n${expires}\n/b/k?${resource}`).digest("base64");
  const signed = `AWSAccessKeyId=${accessKeyId}&Expires=${expires}&Signature=${encodeURIComponent(signature)}`;
  return received("GET", `/b/k?${rawQuery}&${signed}`, { host: "h" });
}

test("authenticateRequest: the values of a SigV2 URL are signed decoded, & as well", () => {
  for (const query of [
    "response-content-disposition=attachment%3B%20filename%3D%22a%26b%20%2B%20c.pdf%22",
    "response-content-disposition=attachment%3B%20filename%3D%22R%26D%3D1%26acl.pdf%22&response-content-type=a%2Fb",
    "response-content-language=de%2C%20en&versionId=1",
    "response-expires=%26",
  ])
    expect(authenticateRequest(presignByHand(query), optionsOf("all"))).toMatchObject({
      kind: "signed",
      version: "v2",
    });
  const url = presignByHand("response-content-type=a%26b%3D1");
  const split = { ...url, rawQuery: url.rawQuery.replace("a%26b%3D1", "a&b=1") };
  expect(errorOf(split, optionsOf("all")).code).toBe("SignatureDoesNotMatch");
});

test("authenticateRequest: headers hoisted into a SigV2 URL count as headers", () => {
  const hoisted = { "x-amz-acl": "private", "x-amz-security-token": "MX1.a+b", "content-type": "text/plain" };
  expect(authenticateRequest(presign("PUT", "/b/k", { hoisted }), optionsOf("all"))).toMatchObject({
    hoistedHeaders: hoisted,
    securityToken: "MX1.a+b",
  });
  expect(
    errorOf(
      {
        ...presign("PUT", "/b/k", { hoisted }),
        headers: { host: "h", "x-amz-acl": "public-read" },
        rawHeaders: ["host", "h", "x-amz-acl", "public-read"],
      },
      optionsOf("all"),
    ).code,
  ).toBe("AccessDenied");
});

test("authenticateRequest: SigV2 cannot vouch for chunk signatures", () => {
  const url = presign("PUT", "/b/k", { headers: { "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" } });
  expect(errorOf(url, optionsOf("all")).code).toBe("InvalidRequest");
  const digest = presign("PUT", "/b/k", { headers: { "x-amz-content-sha256": "0".repeat(64) } });
  expect(authenticateRequest(digest, optionsOf("all")).payload).toEqual({ kind: "sha256", hex: "0".repeat(64) });
});

test("renderSigV2StringToSign: sorts and joins x-amz headers, keeps inner spaces, leaves the date empty beside x-amz-date", () => {
  const rawHeaders = ["X-Amz-Meta-B", " 2  2 ", "x-amz-meta-a", "1", "X-AMZ-META-B", "3"];
  const request = {
    method: "PUT",
    rawPath: "/b/a%20b",
    rawQuery: "uploads&partNumber=1&other=2",
    headers: { "content-md5": "m" },
    rawHeaders,
  };
  expect(
    renderSigV2StringToSign(request, parseCanonicalQuery(request.rawQuery), {
      path: request.rawPath,
      date: "",
      hoistedHeaders: {},
    }),
  ).toBe("PUT\nm\n\n\nx-amz-meta-a:1\nx-amz-meta-b:2  2,3\n/b/a%20b?partNumber=1&uploads");
});

test("listSigV2Paths: a bare bucket may have been signed with a slash, nothing else", () => {
  const pathsOf = (rawPath: string, virtualHostBucket?: string) =>
    listSigV2Paths({
      ...received("GET", rawPath, {}),
      ...(virtualHostBucket === undefined ? {} : { virtualHostBucket }),
    });
  expect(pathsOf("/b")).toEqual(["/b", "/b/"]);
  expect(pathsOf("/b/")).toEqual(["/b/"]);
  expect(pathsOf("/")).toEqual(["/"]);
  expect(pathsOf("/b/k")).toEqual(["/b/k"]);
  expect(pathsOf("/k", "b")).toEqual(["/b/k"]);
});

test("authenticateRequest: a bucket URL signed with a slash and sent without is accepted", () => {
  const signedUrl = presign("GET", "/b/");
  expect(authenticateRequest({ ...signedUrl, rawPath: "/b" }, optionsOf("all")).kind).toBe("signed");
  expect(errorOf({ ...signedUrl, rawPath: "/c" }, optionsOf("all")).code).toBe("SignatureDoesNotMatch");
});

test("parseSigV2Header: takes only AWS id:signature", () => {
  expect(parseSigV2Header("AWS AK:qgk2+6Sv9/oM7G3qLEjTH1a1l1g=")).toEqual({
    accessKeyId: "AK",
    signature: "qgk2+6Sv9/oM7G3qLEjTH1a1l1g=",
  });
  for (const text of [
    "AWS",
    "AWS AK",
    "AWS AK:",
    "AWS :qgk2+6Sv9/oM7G3qLEjTH1a1l1g=",
    "AWS AK:short",
    "AWS4 AK:qgk2+6Sv9/oM7G3qLEjTH1a1l1g=",
  ]) {
    expect(parseSigV2Header(text)).toBeUndefined();
  }
});
