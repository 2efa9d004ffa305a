import { afterAll, beforeAll, expect, test } from "bun:test";
import { policyOf } from "../identities.ts";
import { type ServerProcess, startServer } from "../server-process.ts";
import { S3Client } from "./s3-client.ts";

let server: ServerProcess;
let admin: S3Client;
beforeAll(async () => {
  server = await startServer({ workers: 2 });
  admin = new S3Client(server.s3Port, server.credentials);
  for (const name of ["photos", "papers"]) await admin.createBucket(name);
  await admin.send({ method: "PUT", target: "/photos/a", body: "x" });
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

/** A user with a key, and what the key's holder sees of an object: status and code of every worker's answer, each once. */
async function makeUser(name: string, key: object = {}) {
  const { userId } = (await call("POST", "users", { name })).body;
  const made = (await call("POST", "access-keys", { userName: name, ...key })).body;
  const credentials = { accessKeyId: made.accessKeyId, secretKey: made.secretKey };
  const send = (method: string, target: string) =>
    admin.send({ method, target, credentials, ...(method === "PUT" && { body: "x" }) });
  /** Over many connections, so that each worker is asked. */
  const read = async () => {
    const answers = await Promise.all(Array.from({ length: 12 }, () => send("GET", "/photos/a")));
    return [...new Set(answers.map(({ status, code }) => `${status} ${code}`.trim()))];
  };
  return { userId, accessKeyId: made.accessKeyId, send, read };
}

test("a user has no right but those of policies: attached, inline, of groups, and each ends when the call returns", async () => {
  const { userId, read } = await makeUser("alice");
  expect(await read()).toEqual(["403 AccessDenied"]);
  const document = policyOf([{ actions: ["s3:GetObject"], resources: ["arn:aws:s3:::photos/*"] }]);
  const { policyId } = (await call("POST", "policies", { name: "photo-readers", document })).body;
  const { groupId } = (await call("POST", "groups", { name: "readers" })).body;
  await call("PUT", `groups/${groupId}/policies/${policyId}`, {});
  const ways = [
    [`users/${userId}/policies/readonly`, {}],
    [`users/${userId}/policies/${policyId}`, {}],
    [`users/${userId}/inline-policies/own`, { document }],
    [`groups/${groupId}/members/${userId}`, {}],
  ] as const;
  for (const [path, body] of ways) {
    expect([path, (await call("PUT", path, body)).status, await read()]).toEqual([path, 204, ["200"]]);
    expect([path, (await call("DELETE", path)).status, await read()]).toEqual([path, 204, ["403 AccessDenied"]]);
  }
  await call("PUT", `users/${userId}/policies/${policyId}`, {});
  const none = policyOf([]);
  await call("POST", `policies/${policyId}/versions`, { document: none, isDefault: true });
  expect(await read()).toEqual(["403 AccessDenied"]);
});

test("a key's policy narrows its user to one bucket; the refusal says what was missing, to the own tenant", async () => {
  const policy = policyOf([{ actions: ["s3:*"], resources: ["arn:aws:s3:::photos", "arn:aws:s3:::photos/*"] }]);
  const { userId, send, read } = await makeUser("backup", { policy });
  expect(await read()).toEqual(["403 AccessDenied"]);
  await call("PUT", `users/${userId}/policies/readwrite`, {});
  expect(await read()).toEqual(["200"]);
  expect((await send("PUT", "/photos/b")).status).toBe(200);
  const refused = await send("PUT", "/papers/b");
  expect([refused.status, refused.code]).toEqual([403, "AccessDenied"]);
  expect(refused.text).toContain("user/backup is not authorized to perform: s3:PutObject");
  expect(refused.text).toContain("no key policy allows the s3:PutObject action");
  const listed = await send("GET", "/");
  expect(listed.text).not.toContain("papers");
});

test("suspension, expiry, deletion and a boundary hold for every worker when the call returns", async () => {
  const { userId, accessKeyId, read } = await makeUser("carol");
  await call("PUT", `users/${userId}/policies/readwrite`, {});
  expect(await read()).toEqual(["200"]);
  await call("POST", `users/${userId}/suspend`, {});
  expect(await read()).toEqual(["403 AccountProblem"]);
  await call("POST", `users/${userId}/resume`, {});
  expect(await read()).toEqual(["200"]);
  await call("PATCH", `access-keys/${accessKeyId}`, { expiresAt: new Date(Date.now() - 1000).toISOString() });
  expect(await read()).toEqual(["403 InvalidAccessKeyId"]);
  await call("PATCH", `access-keys/${accessKeyId}`, { expiresAt: null });
  await call("PATCH", `users/${userId}`, { boundary: "writeonly" });
  expect(await read()).toEqual(["403 AccessDenied"]);
  await call("PATCH", `users/${userId}`, { boundary: null });
  expect(await read()).toEqual(["200"]);
  await call("DELETE", `users/${userId}`);
  expect(await read()).toEqual(["403 InvalidAccessKeyId"]);
});

test("tenants: another one's buckets are closed whatever its policies say; a suspended tenant is closed altogether", async () => {
  const { tenantId } = (await call("POST", "tenants", { slug: "acme" })).body;
  const below = `tenants/${tenantId}`;
  const { userId } = (await call("POST", `${below}/users`, { name: "eve" })).body;
  await call("PUT", `${below}/users/${userId}/policies/consoleAdmin`, {});
  const { accessKeyId, secretKey } = (await call("POST", `${below}/access-keys`, { userName: "eve" })).body;
  const eve = (method: string, target: string) =>
    admin.send({
      method,
      target,
      credentials: { accessKeyId, secretKey },
      ...(method === "PUT" && target.endsWith("k") && { body: "x" }),
    });
  expect((await eve("GET", "/photos/a")).code).toBe("AccessDenied");
  expect((await eve("PUT", "/acme-data")).status).toBe(200);
  expect((await eve("PUT", "/acme-data/k")).status).toBe(200);
  expect((await admin.send({ method: "GET", target: "/acme-data/k" })).code).toBe("AccessDenied");
  const listed = await eve("GET", "/");
  expect([listed.text.includes("acme-data"), listed.text.includes("photos")]).toEqual([true, false]);
  await call("POST", `${below}/suspend`, {});
  expect((await eve("GET", "/acme-data/k")).code).toBe("AccountProblem");
  await call("POST", `${below}/resume`, {});
  expect((await eve("GET", "/acme-data/k")).status).toBe(200);
  await call("PATCH", below, { limits: { maxBytes: 2, maxBuckets: 1 } });
  expect((await eve("PUT", "/acme-data/second-k")).status).toBe(200);
  expect((await eve("PUT", "/acme-data/third-k")).code).toBe("QuotaExceeded");
  expect((await eve("PUT", "/acme-more")).code).toBe("TooManyBuckets");
});
