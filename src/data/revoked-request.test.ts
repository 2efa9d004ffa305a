import { afterAll, expect, test } from "bun:test";
import type { BucketClient } from "#testing/acceptance/bucket-client.ts";
import { openConnection } from "#testing/acceptance/raw-connection.ts";
import { seededBytes } from "#testing/acceptance/test-data.ts";
import { testKey, testTenant, testUser, userWith } from "#testing/identities.ts";
import { startPoolServer } from "#testing/pool-server.ts";

const grants = [{ actions: ["s3:*"], resources: ["arn:aws:s3:::bucket", "arn:aws:s3:::bucket/*"] }];
const ids = ["SUSPENDED", "DELETED", "DISABLED", "DETACHED", "TENANT", "EXPIRED", "EXPIRING", "TAGS"] as const;
const keyIdOf = (name: string) => `AKIA${name.padEnd(16, "0")}`;
const userIdOf = (name: string) => `AIDA${keyIdOf(name)}`;
const server = await startPoolServer({
  buckets: { bucket: "never" },
  keys: Object.fromEntries(ids.map((name) => [keyIdOf(name), grants])),
});
afterAll(() => server.remove());
const administrator = server.bucket("bucket");
/** More than sockets and streams hold for a client that does not read. */
const largeBytes = 64 * 2 ** 20;
await administrator.put("large", seededBytes(largeBytes, 3));

const changes = {
  SUSPENDED: [{ kind: "user", id: userIdOf("SUSPENDED"), value: { ...holder("SUSPENDED"), status: "suspended" } }],
  DELETED: [{ kind: "key", id: keyIdOf("DELETED"), value: null }],
  DISABLED: [{ kind: "key", id: keyIdOf("DISABLED"), value: { ...keyOf("DISABLED"), enabled: false } }],
  DETACHED: [{ kind: "user", id: userIdOf("DETACHED"), value: { ...holder("DETACHED"), inlinePolicies: [] } }],
  EXPIRED: [{ kind: "key", id: keyIdOf("EXPIRED"), value: { ...keyOf("EXPIRED"), expiresAtMs: 1 } }],
} as const;
const codes = {
  SUSPENDED: "AccountProblem",
  DELETED: "InvalidAccessKeyId",
  DISABLED: "InvalidAccessKeyId",
  DETACHED: "AccessDenied",
  EXPIRED: "InvalidAccessKeyId",
} as const;

function holder(name: string) {
  return userWith(grants, { userId: userIdOf(name), name: name.toLowerCase() });
}

function keyOf(name: string) {
  const accessKeyId = keyIdOf(name);
  return { ...testKey, accessKeyId, secretKey: `secret-${accessKeyId}`, userId: userIdOf(name) };
}

/** A delta takes its way to the worker while requests take theirs. */
async function untilCode(bucket: BucketClient, code: string): Promise<void> {
  while ((await bucket.get("small")).code !== code) await Bun.sleep(5);
}

for (const name of ["SUSPENDED", "DELETED", "DISABLED", "DETACHED", "EXPIRED"] as const) {
  test(`${name}: an upload under way stores nothing, a download under way ends, new requests are ${codes[name]}`, async () => {
    const bucket = server.bucket("bucket", keyIdOf(name));
    const client = server.client(keyIdOf(name));
    const body = seededBytes(2 * 2 ** 20, 3);
    const { head, body: sent } = client.prepare({ method: "PUT", target: bucket.target(`up-${name}`), body });
    const upload = await openConnection({ port: server.s3.port });
    await upload.write(head);
    await upload.write(sent.subarray(0, 2 ** 20));
    const download = await openConnection({ port: server.s3.port });
    download.pause();
    await download.write(client.prepare({ method: "GET", target: bucket.target("large") }).head);
    expect((await bucket.head("large")).status).toBe(200);
    server.publish([...changes[name]]);
    await untilCode(bucket, codes[name]);
    upload.write(sent.subarray(2 ** 20)).catch(() => undefined);
    await expect(upload.readResponse("PUT")).rejects.toThrow();
    download.resume();
    await expect(download.readResponse("GET")).rejects.toThrow();
    download.destroy();
    expect((await administrator.head(`up-${name}`)).status).toBe(404);
    upload.destroy();
  });
}

test("EXPIRING: a key that reaches its end cuts what runs with it, though nobody says anything", async () => {
  const bucket = server.bucket("bucket", keyIdOf("EXPIRING"));
  const client = server.client(keyIdOf("EXPIRING"));
  const value = { ...keyOf("EXPIRING"), expiresAtMs: Date.now() + 1500 };
  server.publish([{ kind: "key", id: keyIdOf("EXPIRING"), value }]);
  const upload = await openConnection({ port: server.s3.port });
  const put = client.prepare({ method: "PUT", target: bucket.target("up-EXPIRING"), body: seededBytes(2 ** 20, 3) });
  await upload.write(put.head);
  await upload.write(put.body.subarray(0, 2 ** 10));
  const download = await openConnection({ port: server.s3.port });
  download.pause();
  await download.write(client.prepare({ method: "GET", target: bucket.target("large") }).head);
  expect((await bucket.head("large")).status).toBe(200);
  await expect(upload.readResponse("PUT")).rejects.toThrow();
  expect(Date.now()).toBeGreaterThan(value.expiresAtMs);
  download.resume();
  await expect(download.readResponse("GET")).rejects.toThrow();
  expect((await bucket.get("small")).code).toBe("InvalidAccessKeyId");
});

test("tags of the stored object decide, and what is absent has none", async () => {
  const statement = {
    ...{ Effect: "Allow", Action: "s3:GetObject", Resource: "*" },
    Condition: { StringEquals: { "s3:ExistingObjectTag/level": "open" } },
  };
  const text = JSON.stringify({ Version: "2012-10-17", Statement: statement });
  const value = { ...holder("TAGS"), inlinePolicies: [{ name: "tags", text }] };
  server.publish([{ kind: "user", id: userIdOf("TAGS"), value }]);
  const bucket = server.bucket("bucket", keyIdOf("TAGS"));
  await administrator.put("open", "x", { "x-amz-tagging": "level=open" });
  await administrator.put("closed", "x", { "x-amz-tagging": "level=closed" });
  await administrator.put("plain", "x");
  const statuses = await Promise.all(
    ["open", "closed", "plain", "absent"].map(async (key) => (await bucket.get(key)).status),
  );
  expect(statuses).toEqual([200, 403, 403, 403]);
});

test("a suspended tenant: its keys are AccountProblem, its buckets closed to everybody, until it is resumed", async () => {
  const bucket = server.bucket("bucket", keyIdOf("TENANT"));
  const suspended = { ...testTenant, status: "suspended" } as const;
  const foreign = { ...testTenant, tenantId: "other", accountId: "210987654321" };
  const stranger = { ...testUser, ...holder("TENANT"), tenantId: "other" };
  server.publish([{ kind: "tenant", id: testTenant.tenantId, value: suspended }]);
  await untilCode(bucket, "AccountProblem");
  server.publish([
    { kind: "tenant", id: "other", value: foreign },
    { kind: "user", id: stranger.userId, value: stranger },
    { kind: "key", id: keyIdOf("TENANT"), value: { ...keyOf("TENANT"), tenantId: "other" } },
  ]);
  await untilCode(bucket, "AccessDenied");
  server.publish([{ kind: "tenant", id: testTenant.tenantId, value: testTenant }]);
  while ((await administrator.head("large")).status !== 200) await Bun.sleep(5);
  expect((await bucket.get("small")).code).toBe("AccessDenied");
});
