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

const makesKeys = { actions: ["iam:CreateAccessKey", "iam:DeleteAccessKey"], resources: ["*"] };
const oneBucket = policyOf([
  { actions: ["s3:*"], resources: ["arn:aws:s3:::shared-a", "arn:aws:s3:::shared-a/*"] },
  makesKeys,
]);
const onlyReads = policyOf([{ actions: ["s3:GetObject"], resources: ["*"] }, makesKeys]);

/** A call of the control API with an access key. */
async function call(as: Credentials, method: string, [path, body]: readonly [string, object?]) {
  const headers = { "content-type": "application/json", "if-match": "*" };
  const init = { method, headers, ...(body && { body: JSON.stringify(body) }) };
  const response = await server.adminFetch(`/api/v1/${path}`, init, as);
  const text = await response.text();
  return { status: response.status, body: text === "" ? {} : JSON.parse(text) };
}

async function makeKey(as: Credentials, policy: string | null): Promise<Credentials> {
  const { status, body } = await call(as, "POST", ["access-keys", { userName: "admin", policy }]);
  if (status !== 201) throw new Error(`A key was refused: ${JSON.stringify(body)}`);
  return body;
}

function bucketOf(key: Credentials, name: string): BucketClient {
  const client = clientOf(server, key);
  clients.push(client);
  return new BucketClient(client, name);
}

beforeAll(async () => {
  for (const name of ["shared-a", "shared-b"]) {
    const bucket = bucketOf(server.credentials, name);
    await bucket.s3.createBucket(name);
    expect((await bucket.put("k", name)).status).toBe(200);
  }
});

test("made keys: do in S3 what all their policies allow, and nothing else", async () => {
  const maker = await makeKey(server.credentials, oneBucket);
  const made = await makeKey(maker, onlyReads);
  const [a, b] = [bucketOf(made, "shared-a"), bucketOf(made, "shared-b")];
  expect((await a.get("k")).text).toBe("shared-a");
  // The maker may, the made key's own policy does not.
  expect((await bucketOf(maker, "shared-a").put("k2", "x")).status).toBe(200);
  for (const refused of [await a.put("k2", "y"), await a.list("list-type=2"), await a.delete("k2")])
    expect([refused.status, refused.code]).toEqual([403, "AccessDenied"]);
  // Its own policy allows it, the maker's does not.
  const foreign = await b.get("k");
  expect([foreign.status, foreign.code]).toEqual([403, "AccessDenied"]);
  // One that says it may do everything may do what its maker may.
  const bold = await makeKey(made, policyOf([{ actions: ["*"], resources: ["*"] }]));
  expect((await bucketOf(bold, "shared-a").get("k")).status).toBe(200);
  expect((await bucketOf(bold, "shared-a").put("k", "z")).code).toBe("AccessDenied");
  expect((await bucketOf(bold, "shared-b").get("k")).code).toBe("AccessDenied");
});

test("made keys: work neither for the control API's other calls nor after their maker was disabled or removed", async () => {
  const maker = await makeKey(server.credentials, oneBucket);
  const made = await makeKey(maker, onlyReads);
  const ofMade = bucketOf(made, "shared-a");
  expect((await call(made, "POST", ["users", { name: "eve" }])).status).toBe(403);
  expect((await call(made, "GET", ["settings"])).status).toBe(403);
  expect((await call(made, "DELETE", [`access-keys/${maker.accessKeyId}`])).status).toBe(403);
  const path = `access-keys/${maker.accessKeyId}`;
  expect((await call(server.credentials, "PATCH", [path, { enabled: false }])).status).toBe(200);
  expect((await ofMade.get("k")).code).toBe("InvalidAccessKeyId");
  expect((await call(made, "POST", ["access-keys", { userName: "admin" }])).status).toBe(401);
  expect((await call(server.credentials, "PATCH", [path, { enabled: true }])).status).toBe(200);
  const second = await makeKey(maker, onlyReads);
  const ofSecond = bucketOf(second, "shared-a");
  expect((await ofSecond.get("k")).status).toBe(200);
  expect((await call(server.credentials, "DELETE", [path])).status).toBe(204);
  for (const gone of [ofMade, ofSecond]) expect((await gone.get("k")).code).toBe("InvalidAccessKeyId");
});

test("made keys: stay what they are when the server starts again", async () => {
  const maker = await makeKey(server.credentials, oneBucket);
  const made = await makeKey(maker, onlyReads);
  await server.stop();
  await server.start();
  const { body } = await call(server.credentials, "GET", [`access-keys/${made.accessKeyId}`]);
  expect(body).toMatchObject({ madeBy: maker.accessKeyId, inheritedPolicies: [oneBucket], policy: onlyReads });
  expect((await bucketOf(made, "shared-a").get("k")).status).toBe(200);
  expect((await bucketOf(made, "shared-b").get("k")).code).toBe("AccessDenied");
  expect((await call(maker, "DELETE", [`access-keys/${made.accessKeyId}`])).status).toBe(204);
  expect((await bucketOf(made, "shared-a").get("k")).code).toBe("InvalidAccessKeyId");
}, 30_000);
