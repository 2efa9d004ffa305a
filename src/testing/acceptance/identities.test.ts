import { afterAll, beforeAll, expect, test } from "bun:test";
import { policyOf } from "../identities.ts";
import { type Credentials, startServer } from "../server-process.ts";
import { BucketClient } from "./bucket-client.ts";
import { clientOf, type S3Client } from "./s3-client.ts";

const server = await startServer();
const clients: S3Client[] = [];
afterAll(async () => {
  for (const client of clients) client.close();
  await server.remove();
});

const readwrite = encodeURIComponent("arn:aws:iam::aws:policy/readwrite");
const onlyFirst = policyOf([
  { actions: ["s3:*"], resources: ["arn:aws:s3:::acme-first", "arn:aws:s3:::acme-first/*"] },
]);
let tenantPath = "";

/** A call of the control API as the first administrator. @throws Error when the server refuses. */
async function call(method: string, path: string, body: object = {}) {
  const response = await server.adminFetch(`/api/v1/${path}`, {
    method,
    headers: { "content-type": "application/json", "if-match": "*" },
    ...(method === "DELETE" ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
  return text === "" ? {} : JSON.parse(text);
}

function connect(credentials: Credentials): S3Client {
  const client = clientOf(server, credentials);
  clients.push(client);
  return client;
}

/** A user of the tenant who may do everything in S3, with a key that may do it too or only what the policy says. */
async function makeUser(name: string, policy: string | null = null) {
  const { userId } = await call("POST", `${tenantPath}/users`, { name });
  await call("PUT", `${tenantPath}/users/${userId}/policies/${readwrite}`);
  const key: Credentials = await call("POST", `${tenantPath}/access-keys`, { userName: name, policy });
  return { path: `${tenantPath}/users/${userId}`, key, first: new BucketClient(connect(key), "acme-first") };
}

beforeAll(async () => {
  const { tenantId } = await call("POST", "tenants", { slug: "acme", displayName: "Acme", email: "it@acme.example" });
  tenantPath = `tenants/${tenantId}`;
  const { first } = await makeUser("owner");
  await first.s3.createBucket("acme-first");
  await first.s3.createBucket("acme-second");
});

test("identities: a key narrowed to one bucket works there and nowhere else, whatever its user may do", async () => {
  const { first } = await makeUser("narrowed", onlyFirst);
  const second = new BucketClient(first.s3, "acme-second");
  expect((await first.put("a", "one")).status).toBe(200);
  expect((await first.get("a")).text).toBe("one");
  expect((await first.list("list-type=2")).status).toBe(200);
  expect((await first.delete("a")).status).toBe(204);
  for (const refused of [await second.put("a", "one"), await second.get("a"), await second.list("list-type=2")])
    expect([refused.status, refused.code]).toEqual([403, "AccessDenied"]);
  const other = new BucketClient(first.s3, "acme-third");
  expect(await other.sendToBucket({ method: "PUT" })).toMatchObject({ status: 403, code: "AccessDenied" });
});

test("identities: policies detached, users and tenants suspended and resumed, from the answer on", async () => {
  const { path, first } = await makeUser("changing");
  const put = async () => (await first.put("b", "two")).code;
  expect(await put()).toBe("");
  await call("DELETE", `${path}/policies/${readwrite}`);
  expect(await put()).toBe("AccessDenied");
  await call("PUT", `${path}/policies/${readwrite}`);
  expect(await put()).toBe("");
  for (const suspended of [path, tenantPath]) {
    await call("POST", `${suspended}/suspend`);
    expect(await put()).toBe("AccountProblem");
    await call("POST", `${suspended}/resume`);
    expect(await put()).toBe("");
  }
});

test("identities: keys disabled and deleted, users deleted, are refused from the answer on", async () => {
  const { path, key, first } = await makeUser("leaving");
  const put = async () => (await first.put("c", "three")).code;
  const keyPath = `${tenantPath}/access-keys/${key.accessKeyId}`;
  await call("PATCH", keyPath, { enabled: false });
  expect(await put()).toBe("InvalidAccessKeyId");
  await call("PATCH", keyPath, { enabled: true });
  expect(await put()).toBe("");
  const spare: Credentials = await call("POST", `${tenantPath}/access-keys`, { userName: "leaving" });
  await call("DELETE", keyPath);
  expect(await put()).toBe("InvalidAccessKeyId");
  const withSpare = new BucketClient(connect(spare), "acme-first");
  expect((await withSpare.put("c", "three")).status).toBe(200);
  await call("DELETE", path);
  expect((await withSpare.put("c", "three")).code).toBe("InvalidAccessKeyId");
});

test("identities: a tenant's bound of buckets holds from the answer on; null is unlimited", async () => {
  const { first } = await makeUser("maker");
  const make = async () => (await new BucketClient(first.s3, "acme-third").sendToBucket({ method: "PUT" })).code;
  await call("PATCH", tenantPath, { limits: { maxBuckets: 2 } });
  expect(await make()).toBe("TooManyBuckets");
  await call("PATCH", tenantPath, { limits: { maxBuckets: null } });
  expect(await make()).toBe("");
});
