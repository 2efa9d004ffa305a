import { afterAll, expect, test } from "bun:test";
import { startServer } from "../server-process.ts";
import { exchange } from "./raw-connection.ts";
import { clientOf, renderHead, type S3Request, type S3Response, withText } from "./s3-client.ts";
import { readXmlText } from "./xml-text.ts";

const minute = 60_000;
const server = await startServer();
const s3 = clientOf(server);
const bucket = await s3.createBucket("signature");
await bucket.put("key", "kept");
afterAll(async () => {
  s3.close();
  await server.remove();
});

const write: S3Request = { method: "PUT", target: "/signature/key", body: "overwritten" };

/** What is done to the headers of a request after it was signed: a new value, or undefined to leave the header out. */
type HeaderChange = readonly [name: string, change: (signed: string) => string | undefined];

/** Signs a write, lets `change` alter its headers, sends it. The old object must outlive whatever is refused. */
async function sendChanged([name, change]: HeaderChange, request: S3Request = write): Promise<S3Response> {
  const prepared = s3.prepare(request);
  const changed = change(prepared.headers[name] ?? "");
  if (changed === undefined) delete prepared.headers[name];
  else prepared.headers[name] = changed;
  const head = Buffer.from(renderHead(request.method, request.target, prepared.headers), "latin1");
  const answer = await exchange({ port: s3.port }, request.method, Buffer.concat([head, prepared.body]));
  return withText(answer);
}

async function expectRefused(answer: S3Response, status: number, code: string): Promise<void> {
  expect([answer.status, answer.code]).toEqual([status, code]);
  expect((await bucket.get("key")).text).toBe("kept");
}

test("signature: a wrong secret is SignatureDoesNotMatch and tells only what the caller sent", async () => {
  const answer = await s3.send({ ...write, credentials: { ...server.credentials, secretKey: "wrong" } });
  await expectRefused(answer, 403, "SignatureDoesNotMatch");
  expect(readXmlText(answer.text, "AWSAccessKeyId")).toBe(server.credentials.accessKeyId);
  expect(readXmlText(answer.text, "StringToSign")).toStartWith("AWS4-HMAC-SHA256\n");
  expect(readXmlText(answer.text, "CanonicalRequest")).toStartWith("PUT\n/signature/key\n");
  expect(answer.text).not.toContain(server.credentials.secretKey);
});

test("signature: any signed part that changes on the way is SignatureDoesNotMatch", async () => {
  const changes: HeaderChange[] = [
    ["host", () => "other.example"],
    ["x-amz-meta-a", () => "changed"],
    ["x-amz-content-sha256", () => "UNSIGNED-PAYLOAD"],
    ["authorization", (signed) => signed.replace(/.$/, (last) => (last === "0" ? "1" : "0"))],
    ["authorization", (signed) => signed.replace("us-east-1", "eu-west-1")],
  ];
  for (const change of changes) {
    await expectRefused(
      await sendChanged(change, { ...write, headers: { "x-amz-meta-a": "signed" } }),
      403,
      "SignatureDoesNotMatch",
    );
  }
  const prepared = s3.prepare({ method: "GET", target: "/signature/key" });
  for (const head of [
    prepared.head.replace("GET /signature/key", "DELETE /signature/key"),
    prepared.head.replace("/signature/key", "/signature/other"),
    prepared.head.replace("/signature/key", "/signature/key?versionId=null"),
  ]) {
    const method = head.slice(0, head.indexOf(" "));
    await expectRefused(withText(await exchange({ port: s3.port }, method, head)), 403, "SignatureDoesNotMatch");
  }
});

test("signature: a repeated header that steers the request is refused, repeated metadata is joined", async () => {
  const headers = {
    "x-amz-meta-a": "1",
    "x-amz-acl": "private",
    "content-md5": "/q8D2eYKcJfHEr5GPkFOaQ==",
    "x-amz-copy-source": "signature/key",
    "x-amz-decoded-content-length": "11",
    "x-amz-tagging": "a=b",
  };
  const { "x-amz-meta-a": _, ...steering } = headers;
  for (const name of [...Object.keys(steering), "x-amz-content-sha256", "x-amz-date", "content-length", "host"]) {
    const prepared = s3.prepare({ ...write, headers });
    const line = `${name}: ${prepared.headers[name]}\r\n`;
    for (const again of [line, line.toUpperCase(), `${name}: 0\r\n`]) {
      const head = prepared.head.replace(line, `${line}${again}`);
      const answer = withText(await exchange({ port: s3.port }, "PUT", `${head}overwritten`));
      // Two lengths that differ never reach the server's code.
      const code =
        name === "content-length" && again !== line && again !== line.toUpperCase() ? "BadRequest" : "InvalidRequest";
      expect([name, again, answer.status, answer.code]).toEqual([name, again, 400, code]);
    }
  }
  const authorization = await sendChanged(["authorization", (signed) => `${signed}\r\nAuthorization: ${signed}`]);
  await expectRefused(authorization, 400, "InvalidArgument");
  const joined = s3.prepare({ method: "PUT", target: "/signature/joined", headers: { "x-amz-meta-a": "1,2" } });
  const head = joined.head.replace("x-amz-meta-a: 1,2", "x-amz-meta-a: 1\r\nX-Amz-Meta-A: 2");
  expect((await exchange({ port: s3.port }, "PUT", head)).status).toBe(200);
  expect((await bucket.head("joined")).headers["x-amz-meta-a"]?.replace(", ", ",")).toBe("1,2");
  expect((await bucket.get("key")).text).toBe("kept");
});

test("signature: an x-amz header or Host that is not signed is AccessDenied", async () => {
  const added = await sendChanged(["x-amz-meta-added", () => "1"]);
  await expectRefused(added, 403, "AccessDenied");
  expect(readXmlText(added.text, "HeadersNotSigned")).toBe("x-amz-meta-added");
  const unsignedHost = await sendChanged(["authorization", (signed) => signed.replace("host;", "")]);
  expect(unsignedHost.status).toBe(403);
  const copySource = await sendChanged(["x-amz-copy-source", () => "signature/key"]);
  await expectRefused(copySource, 403, "AccessDenied");
});

test("signature: a clock off by more than 15 minutes is RequestTimeTooSkewed, by less is fine", async () => {
  for (const offset of [-16 * minute, 16 * minute, -24 * 60 * minute]) {
    await expectRefused(await s3.send({ ...write, dateMs: Date.now() + offset }), 403, "RequestTimeTooSkewed");
  }
  for (const offset of [-14 * minute, 14 * minute]) {
    const answer = await s3.send({ method: "GET", target: "/signature/key", dateMs: Date.now() + offset });
    expect(answer.status).toBe(200);
  }
});

test("signature: a broken Authorization header is refused, never taken as anonymous or valid", async () => {
  const values = [
    "AWS4-HMAC-SHA256",
    "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=00",
    "AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/s3/aws5_request, SignedHeaders=host, Signature=00",
    "AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/ec2/aws4_request, SignedHeaders=host, Signature=00",
  ];
  for (const value of values) {
    await expectRefused(await sendChanged(["authorization", () => value]), 400, "AuthorizationHeaderMalformed");
  }
  const others = ["Basic YWRtaW46YWRtaW4=", "Bearer x", "AWS A:c2ln"];
  for (const value of others) {
    const answer = await sendChanged(["authorization", () => value]);
    expect([value, answer.status >= 400 && answer.status < 500]).toEqual([value, true]);
  }
  expect((await bucket.get("key")).text).toBe("kept");
});

test("signature: header SigV2 is InvalidRequest that names SigV4", async () => {
  const answer = await sendChanged(["authorization", () => `AWS ${server.credentials.accessKeyId}:c2lnbmF0dXJl`]);
  await expectRefused(answer, 400, "InvalidRequest");
  expect(answer.text).toContain("Please use AWS4-HMAC-SHA256");
});

test("signature: no payload hash, or an unknown one, is refused", async () => {
  await expectRefused(await s3.send({ ...write, payloadHash: "SOMETHING-ELSE" }), 400, "InvalidArgument");
  const none = await sendChanged(["x-amz-content-sha256", () => undefined]);
  expect(none.status).toBeGreaterThanOrEqual(400);
  await expectRefused(
    await s3.send({ ...write, payloadHash: "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD" }),
    501,
    "NotImplemented",
  );
});

test("presigned: a URL reads and writes until it expires", async () => {
  const read = s3.presign("GET", "/signature/key");
  expect((await s3.send({ method: "GET", target: read, credentials: null })).text).toBe("kept");
  const store = s3.presign("PUT", "/signature/presigned");
  expect((await s3.send({ method: "PUT", target: store, body: "by url", credentials: null })).status).toBe(200);
  expect((await bucket.get("presigned")).text).toBe("by url");
  const old = s3.presign("GET", "/signature/key", { dateMs: Date.now() - 10 * minute, expiresSeconds: 60 });
  const expired = await s3.send({ method: "GET", target: old, credentials: null });
  expect([expired.status, expired.code, expired.text.includes("Request has expired")]).toEqual([
    403,
    "AccessDenied",
    true,
  ]);
  expect(readXmlText(expired.text, "ServerTime")?.length ?? 0).toBeGreaterThan(0);
  const now = s3.presign("GET", "/signature/key", { expiresSeconds: 0 });
  expect((await s3.send({ method: "GET", target: now, credentials: null })).status).toBe(403);
});

test("presigned: a changed method, key, parameter or signature is refused", async () => {
  const url = s3.presign("PUT", "/signature/key");
  const changed = [
    url.replace("/signature/key", "/signature/other"),
    url.replace("X-Amz-Expires=300", "X-Amz-Expires=301"),
    `${url}&x-id=PutObject`,
    url.replace(/.$/, (last) => (last === "0" ? "1" : "0")),
  ];
  for (const target of changed) {
    const answer = await s3.send({ method: "PUT", target, body: "x", credentials: null });
    expect([target, answer.status]).toEqual([target, 403]);
  }
  const otherMethod = await s3.send({ method: "DELETE", target: url, credentials: null });
  await expectRefused(otherMethod, 403, "SignatureDoesNotMatch");
  const extra = await s3.send({
    method: "PUT",
    target: url,
    body: "x",
    headers: { "x-amz-meta-a": "1" },
    credentials: null,
  });
  await expectRefused(extra, 403, "AccessDenied");
});

test("presigned: missing or impossible parameters are AuthorizationQueryParametersError", async () => {
  const url = s3.presign("GET", "/signature/key");
  const broken = [
    url.replace(/X-Amz-Date=[^&]*&/, ""),
    url.replace(/X-Amz-Expires=[^&]*&/, ""),
    url.replace(/X-Amz-SignedHeaders=[^&]*&/, ""),
    url.replace(/X-Amz-Credential=[^&]*&/, ""),
    url.replace("X-Amz-Expires=300", "X-Amz-Expires=-1"),
    url.replace("X-Amz-Expires=300", "X-Amz-Expires=604801"),
    url.replace("X-Amz-Expires=300", "X-Amz-Expires=soon"),
    url.replace(/X-Amz-Date=[^&]*/, "X-Amz-Date=yesterday"),
  ];
  for (const target of broken) {
    const answer = await s3.send({ method: "GET", target, credentials: null });
    expect([target, answer.status, answer.code]).toEqual([target, 400, "AuthorizationQueryParametersError"]);
  }
});

test("two carriers of credentials at once are InvalidArgument", async () => {
  const target = s3.presign("GET", "/signature/key");
  const answer = await s3.send({ method: "GET", target });
  expect([answer.status, answer.code]).toEqual([400, "InvalidArgument"]);
});

test("X-Forwarded-Host never chooses the bucket", async () => {
  await s3.createBucket("signature-2");
  const answer = await bucket.get("key", { "x-forwarded-host": "signature-2.localhost" });
  expect(answer.text).toBe("kept");
});

test("a session token with a permanent key is InvalidToken", async () => {
  const answer = await s3.send({ ...write, headers: { "x-amz-security-token": "token" } });
  await expectRefused(answer, 400, "InvalidToken");
});
