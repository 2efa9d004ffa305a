import { afterEach, expect, test } from "bun:test";
import { type Damage, type FakeS3, openFakeS3 } from "./fake-s3.ts";
import { openWorkload } from "./generate-load.ts";
import { type KeyLayout, type LoadPlan, type LoadResult, type LoadWork, operationOf } from "./load-plan.ts";
import { LoadRunner } from "./load-runner.ts";

const flat: KeyLayout = { kind: "flat", prefix: "a/" };
const folders: KeyLayout = { kind: "folders", keysPerFolder: 10 };
const shape = { sizeBytes: 1000, variants: 7 };
const servers: FakeS3[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function fake(damage: Damage = "none"): Promise<FakeS3> {
  const server = await openFakeS3(damage);
  servers.push(server);
  return server;
}

function run(server: FakeS3, work: LoadWork, connections = 4): Promise<LoadResult> {
  const plan: LoadPlan = {
    ...{ host: "127.0.0.1", port: server.port, accessKey: "KEY", secretKey: "SECRET", region: "us-east-1" },
    ...{ bucket: "b", connections, warmupMs: 0, requestLimit: 0, durationMs: 300, serverPid: process.pid, work },
  };
  return new LoadRunner(plan, openWorkload(plan)).run();
}

function put(layout: KeyLayout, keyCount: number): LoadWork {
  return { kind: "put", layout, shape, firstIndex: 0, keyCount, batchCount: 50 };
}

const mixed: LoadWork = {
  ...{ kind: "mixed", layout: flat, shape, slotCount: 600, existingCount: 300 },
  weights: { get: 45, head: 30, put: 15, delete: 10 },
};

test("LoadRunner: stores every key of a put once, over several batches", async () => {
  const server = await fake();
  const result = await run(server, put(flat, 170));
  expect(result.errors).toEqual([]);
  expect(operationOf(result, "PutObject")).toMatchObject({ count: 170, bytes: 170_000 });
  expect(server.objects.size).toBe(170);
});

test("LoadRunner: reads back what was stored, and notices one wrong bit", async () => {
  const server = await fake();
  await run(server, put(flat, 40));
  const good = await run(server, { kind: "get", layout: flat, shape, keyCount: 40 });
  expect(good.errorCount).toBe(0);
  expect(operationOf(good, "GetObject").count).toBeGreaterThan(40);
  const bad = await fake("body");
  await run(bad, put(flat, 40));
  const result = await run(bad, { kind: "get", layout: flat, shape, keyCount: 40 });
  expect(result.errors[0]).toContain("Body differs");
  expect(operationOf(result, "all").count).toBe(0);
});

test("LoadRunner: notices a wrong ETag and a refusal", async () => {
  const wrong = await run(await fake("etag"), put(flat, 10));
  expect(wrong.errorCount).toBe(10);
  const refused = await run(await fake("refuse"), put(flat, 10));
  expect(refused.errorCount).toBe(5);
  expect(refused.errors[0]).toContain("Status 503, wanted 200: <Error>");
});

test("LoadRunner: mixed keeps to the weights and finds every key in the state it left", async () => {
  const server = await fake();
  await run(server, put(flat, 300));
  const result = await run(server, mixed, 16);
  expect(result.errors).toEqual([]);
  const all = operationOf(result, "all").count;
  expect(operationOf(result, "GetObject").count / all).toBeCloseTo(0.45, 1);
  expect(operationOf(result, "HeadObject").count / all).toBeCloseTo(0.3, 1);
  expect(operationOf(result, "DeleteObject").count / all).toBeCloseTo(0.1, 1);
});

test("LoadRunner: list walks keys and folders, and notices a missing key", async () => {
  const work = { kind: "list", layout: folders, keyCount: 200 } as const;
  const server = await fake();
  await run(server, put(folders, 200));
  const keys = await run(server, { ...work, pageSize: 30, byFolder: false });
  expect(keys.errors).toEqual([]);
  const names = await run(server, { ...work, pageSize: 5, byFolder: true });
  expect(names.errors).toEqual([]);
  expect(operationOf(names, "ListObjectsV2").count).toBeGreaterThan(10);
  const bad = await fake("listing");
  await run(bad, put(folders, 200));
  expect((await run(bad, { ...work, pageSize: 30, byFolder: false })).errors[0]).toContain("wanted 30");
});

test("LoadRunner: transfer uploads and downloads bodies beyond every buffer at once", async () => {
  const server = await fake();
  const large = { sizeBytes: 20 * 1024 * 1024, variants: 1 };
  await run(server, { kind: "put", layout: flat, shape: large, firstIndex: 0, keyCount: 1, batchCount: 1 }, 1);
  const result = await run(server, { kind: "transfer", layout: flat, shape: large, uploads: 3 }, 6);
  expect(result.errors).toEqual([]);
  expect(operationOf(result, "PutObject").count).toBe(3);
  expect(operationOf(result, "GetObject").count).toBe(3);
});
