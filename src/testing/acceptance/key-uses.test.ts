import { afterAll, expect, test } from "bun:test";
import { startServer } from "../server-process.ts";
import { clientOf } from "./s3-client.ts";

const server = await startServer();
const admin = clientOf(server);
const bucket = await admin.createBucket("uses");
afterAll(async () => {
  admin.close();
  await server.remove();
});

async function lastUse(accessKeyId: string) {
  const response = await server.adminFetch(`/api/v1/access-keys/${accessKeyId}`);
  const { lastUsedAt, lastUsedService, lastUsedOperation } = (await response.json()) as Record<string, string | null>;
  return {
    at: Date.parse(lastUsedAt ?? ""),
    what: lastUsedAt === null ? null : `${lastUsedService}:${lastUsedOperation}`,
  };
}

/** Workers tell of uses in their own time. */
async function waitForUse(accessKeyId: string, what: string): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const use = await lastUse(accessKeyId);
    if (use.what === what) return use.at;
    await Bun.sleep(50);
  }
  throw new Error(`The last use of the key is not ${what} but ${(await lastUse(accessKeyId)).what}`);
}

test("access-keys: the last use is shown, denied requests and all, those with a wrong signature not, over a restart", async () => {
  const key = await server.createKey("user", [{ actions: ["s3:GetObject"], resources: ["arn:aws:s3:::uses/*"] }]);
  const startedMs = Date.now();
  await bucket.put("a", "one");
  const client = clientOf(server, key);
  const forged = clientOf(server, { ...key, secretKey: "x".repeat(40) });
  expect((await forged.send({ method: "GET", target: bucket.target("a") })).code).toBe("SignatureDoesNotMatch");
  await waitForUse(server.credentials.accessKeyId, "maxiofs:ControlApi");
  expect((await lastUse(key.accessKeyId)).what).toBeNull();
  expect((await client.send({ method: "GET", target: bucket.target("a") })).status).toBe(200);
  const atMs = await waitForUse(key.accessKeyId, "s3:GetObject");
  expect(atMs).toBeWithin(startedMs, Date.now() + 1);
  expect((await client.send({ method: "PUT", target: bucket.target("b"), body: "x" })).status).toBe(403);
  await waitForUse(key.accessKeyId, "s3:PutObject");
  expect((await client.send({ method: "HEAD", target: bucket.target("a") })).status).toBe(200);
  // The end of the server comes before the workers' next word.
  client.close();
  forged.close();
  await server.stop();
  await server.start();
  expect((await lastUse(key.accessKeyId)).what).toBe("s3:HeadObject");
});
