import { afterAll, beforeAll, expect, test } from "bun:test";
import { customerKeyHeaders } from "../customer-key.ts";
import { policyOf } from "../identities.ts";
import { signRequest } from "../s3-signer.ts";
import { type ServerProcess, startServer } from "../server-process.ts";
import { S3Client, type S3Request } from "./s3-client.ts";

let server: ServerProcess;
let admin: S3Client;
beforeAll(async () => {
  server = await startServer({ workers: 2 });
  admin = new S3Client(server.s3Port, server.credentials);
  await admin.createBucket("photos");
}, 30_000);
afterAll(async () => {
  admin.close();
  await server.remove();
});

async function call(method: string, path: string, body?: object) {
  const response = await server.adminFetch(`/api/v1/${path}`, {
    method,
    headers: { "content-type": "application/json", "if-match": "*" },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === "" ? {} : JSON.parse(text) };
}

/** Sends a request that is refused and gives its id. */
async function refuse(request: S3Request): Promise<string> {
  const { status, headers } = await admin.send(request);
  expect(status).toBe(403);
  return String(headers["x-amz-request-id"]);
}

const findDenials = (requestId: string) => call("GET", `diagnostics/denials?requestId=${requestId}`);

test("diagnostics/denials: whichever worker refused, the reason is found, and what it suggests lets the request in", async () => {
  const { userId } = (await call("POST", "users", { name: "reader" })).body;
  const { accessKeyId, secretKey } = (await call("POST", "access-keys", { userName: "reader" })).body;
  const credentials = { accessKeyId, secretKey };
  const only = policyOf([{ actions: ["s3:GetObject"], resources: ["arn:aws:s3:::papers/*"] }]);
  await call("PUT", `users/${userId}/inline-policies/own`, { document: only });
  await admin.send({ method: "PUT", target: "/photos/a", body: "x" });
  const headers = { "user-agent": "camera/1", referer: "https://photos/?X-Amz-Signature=0123" };
  const wanted = { method: "GET", target: "/photos/a", credentials, headers };
  const ids = await Promise.all(Array.from({ length: 8 }, () => refuse(wanted)));
  for (const requestId of ids) {
    const { status, body } = await findDenials(requestId);
    const shown = JSON.stringify(body);
    expect([status, body.items.length]).toEqual([200, 1]);
    expect(body.items[0]).toMatchObject({
      ...{ requestId, operation: "GetObject", action: "s3:GetObject", resource: "arn:aws:s3:::photos/a" },
      caller: { accessKeyId, arn: expect.stringContaining("user/reader") },
      decision: { outcome: "implicitDeny", layer: "identityPolicy" },
      statements: [{ policy: expect.stringContaining("own"), index: 0, effect: "Allow", misses: ["resource"] }],
      context: { "aws:UserAgent": "camera/1", "aws:SourceIp": "127.0.0.1", "aws:username": "reader" },
    });
    expect(shown).toContain("https://photos/?...");
    for (const secret of ["X-Amz-Signature", secretKey]) expect(shown).not.toContain(secret);
  }
  const { suggestion } = (await findDenials(ids[0] ?? "")).body.items[0];
  const document = JSON.stringify({ Version: "2012-10-17", Statement: suggestion.statement });
  await call("PUT", `users/${userId}/inline-policies/more`, { document });
  expect((await admin.send(wanted)).status).toBe(200);
});

test("diagnostics/denials: who may not see whether an object is there; nobody; a bucket's head; unknown requests", async () => {
  const credentials = await server.createKey("getter", [{ actions: ["s3:GetObject"], resources: ["*"] }]);
  const absent = await refuse({ method: "GET", target: "/photos/absent", credentials });
  expect((await findDenials(absent)).body.items).toMatchObject([{ action: "s3:ListBucket" }]);
  const nobody = await refuse({ method: "GET", target: "/photos/a", credentials: null });
  expect((await findDenials(nobody)).body.items).toMatchObject([{ caller: { arn: "anonymous", tenantId: null } }]);
  const head = await refuse({ method: "HEAD", target: "/photos", credentials });
  expect((await findDenials(head)).body.items).toMatchObject([{ operation: "HeadBucket", action: "s3:ListBucket" }]);
  expect((await findDenials("0000000000000000")).status).toBe(404);
  expect((await findDenials("short")).status).toBe(400);
});

test("audit: denials of S3 requests are recorded, equal ones as one", async () => {
  const credentials = await server.createKey("stranger", []);
  const events = async (name: string) => {
    const path = `audit/events?outcome=denied&via=s3&actorName=${name}`;
    return (await call("GET", path)).body.items as { count?: number; requestId: string; action: string }[];
  };
  const targets = ["/photos/a", "/photos/b", "/photos/c"];
  for (const target of targets) await refuse({ method: "GET", target, credentials });
  const countAll = async () => (await events("stranger")).reduce((sum, { count = 1 }) => sum + count, 0);
  while ((await countAll()) !== targets.length) await Bun.sleep(50);
  expect((await events("stranger"))[0]).toMatchObject({
    ...{ action: "s3:GetObject", code: "AccessDenied", requestId: expect.stringMatching(/^[0-9A-F]{16}$/) },
    resource: { kind: "bucket", name: "photos", arn: "arn:aws:s3:::photos" },
  });
}, 30_000);

test("diagnostics/signatures: what the server signed is shown without secrets, and compared with what the client signed", async () => {
  const { accessKeyId } = server.credentials;
  const secretKey = "wrong".repeat(8);
  const customerKey = Buffer.alloc(32, 7).toString("base64");
  const requestId = await refuse({
    ...{ method: "GET", target: "/photos/a%20b?versionId=v", credentials: { accessKeyId, secretKey } },
    headers: { "x-amz-server-side-encryption-customer-key": customerKey },
  });
  const { status, body } = await call("GET", `diagnostics/signatures?requestId=${requestId}`);
  const shown = JSON.stringify(body);
  for (const secret of [customerKey, secretKey, server.credentials.secretKey]) expect(shown).not.toContain(secret);
  expect([status, body.requestId, body.accessKeyId]).toEqual([200, requestId, accessKeyId]);
  expect(body.canonicalRequest).toStartWith(`GET\n/photos/a%20b\nversionId=v\nhost:127.0.0.1:${server.s3Port}\n`);
  expect(body.stringToSign).toStartWith("AWS4-HMAC-SHA256\n");
  const compare = (client: object) => call("POST", "diagnostics/signatures", { requestId, ...client });
  const canonicalRequest = body.canonicalRequest.replace(/\(sha256 .*\)/, customerKey);
  const equal = await compare({ canonicalRequest, stringToSign: body.stringToSign });
  expect([equal.body.cause, equal.body.difference]).toEqual(["secret", null]);
  const proxied = await compare({ canonicalRequest: canonicalRequest.replace("host:127.0.0.1", "host:s3.example") });
  expect([proxied.body.cause, proxied.body.difference.part]).toEqual(["hostRewritten", "header host"]);
  expect([proxied.body.advice, proxied.body.server]).toEqual([expect.stringContaining("proxy"), body]);
  expect((await compare({})).status).toBe(400);
  expect((await compare({ requestId: "0000000000000000", stringToSign: "x" })).status).toBe(404);
  expect((await findDenials(requestId)).status).toBe(404);
});

test("diagnostics/denials: another owner than expected, a wrong customer's key and a role that lets nobody in are explained too", async () => {
  const [first, second] = [customerKeyHeaders(1), customerKeyHeaders(2)];
  const copyKey = customerKeyHeaders(2, "source");
  expect((await call("PATCH", "settings", { "s3.allow_sse_c_http": true })).status).toBe(200);
  const stored = await admin.send({ method: "PUT", target: "/photos/sealed", body: "x", headers: first });
  expect(stored.status).toBe(200);
  const owner = { "x-amz-expected-bucket-owner": "999999999999" };
  const source = { "x-amz-copy-source": "/photos/sealed" };
  const refused = [
    [{ method: "GET", target: "/photos/a", headers: owner }, "s3:GetObject", "photos/a", "x-amz-expected-bucket-owner"],
    [{ method: "GET", target: "/photos", headers: owner }, "s3:ListBucket", "photos", "x-amz-expected-bucket-owner"],
    [{ method: "GET", target: "/photos/sealed", headers: second }, "s3:GetObject", "photos/sealed", "customer's key"],
    [{ method: "HEAD", target: "/photos/sealed", headers: second }, "s3:GetObject", "photos/sealed", "customer's key"],
    [
      { method: "PUT", target: "/photos/copy", headers: { ...source, ...copyKey } },
      ...["s3:GetObject", "photos/sealed", "customer's key"],
    ],
    [
      { method: "PUT", target: "/photos/copy", headers: { ...source, "x-amz-source-expected-bucket-owner": "1" } },
      ...["s3:GetObject", "photos/sealed", "x-amz-source-expected-bucket-owner"],
    ],
  ] as const;
  for (const [request, action, path, reason] of refused) {
    const { status, body } = await findDenials(await refuse(request));
    expect([status, body.items?.length]).toEqual([200, 1]);
    expect(body.items[0]).toMatchObject({ action, resource: `arn:aws:s3:::${path}`, suggestion: null });
    expect(body.items[0].reason).toContain(reason);
    expect(JSON.stringify(body)).not.toContain(Buffer.alloc(32, 2).toString("base64"));
  }
  const roleArn = "arn:aws:iam::123456789012:role/nobody";
  const form = `Action=AssumeRole&Version=2011-06-15&RoleArn=${encodeURIComponent(roleArn)}&RoleSessionName=night`;
  const signed = signRequest({
    ...{ method: "POST", url: `${server.endpoint}/`, region: "us-east-1", date: new Date(), service: "sts" },
    ...{ ...server.credentials, body: Buffer.from(form) },
    headers: { "content-type": "application/x-www-form-urlencoded" },
  });
  const answer = await fetch(`${server.endpoint}/`, { method: "POST", headers: signed, body: form });
  const requestId = /<RequestId>(.*?)<\/RequestId>/.exec(await answer.text())?.[1] ?? "";
  expect(answer.status).toBe(403);
  const { status, body } = await findDenials(requestId);
  expect([status, body.items?.length]).toEqual([200, 1]);
  expect(body.items[0]).toMatchObject({ operation: "AssumeRole", action: "sts:AssumeRole", resource: roleArn });
  expect(body.items[0].reason).toContain("is not authorized to perform: sts:AssumeRole");
});
