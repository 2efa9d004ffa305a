import { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  copyFileSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { type ServerProcess, startServer } from "../server-process.ts";
import type { BucketClient } from "./bucket-client.ts";
import { clientOf, type S3Client } from "./s3-client.ts";

let server: ServerProcess;
let s3: S3Client;
let bucket: BucketClient;
/** Path of the bucket's catalog. */
let catalog: string;
beforeEach(async () => {
  server = await startServer();
  s3 = clientOf(server);
  bucket = await s3.createBucket("precious");
  const [bucketId = ""] = readdirSync(join(server.dataDir, "buckets"));
  catalog = join(server.dataDir, "buckets", bucketId, "index.db");
  for (let i = 0; i < 20; i++) expect((await bucket.put(`before${i}`, "acknowledged")).status).toBe(200);
});
afterEach(async () => {
  s3.close();
  await server.remove();
});

/** What `/health/ready` says of the server and of one check. */
async function health(check: string): Promise<[status: number, server: string, check: string]> {
  const response = await fetch(`http://127.0.0.1:${server.consolePort}/health/ready`);
  const report: { status: string; checks: { name: string; status: string }[] } = JSON.parse(await response.text());
  return [response.status, report.status, report.checks.find(({ name }) => name === check)?.status ?? ""];
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await Bun.sleep(50);
}

/** Lines of the server's log with this text. */
function logLines(text: string): string[] {
  return server
    .output()
    .split("\n")
    .filter((line) => line.includes(text));
}

async function expectRefused(): Promise<void> {
  for (const key of ["new", "before1"]) {
    const refused = await bucket.put(key, "must not be acknowledged");
    expect([refused.status, refused.code]).toEqual([503, "ServiceUnavailable"]);
  }
  expect((await bucket.delete("before2")).status).toBe(503);
}

const ways: readonly (readonly [name: string, take: () => () => void])[] = [
  [
    "the catalog is moved away",
    () => {
      const path = catalog;
      renameSync(path, `${path}.away`);
      return () => renameSync(`${path}.away`, path);
    },
  ],
  [
    "the catalog is replaced by a copy",
    () => {
      const path = catalog;
      renameSync(path, `${path}.away`);
      copyFileSync(`${path}.away`, path);
      return () => renameSync(`${path}.away`, path);
    },
  ],
  [
    "the log is moved away",
    () => {
      const path = `${catalog}-wal`;
      renameSync(path, `${path}.away`);
      return () => renameSync(`${path}.away`, path);
    },
  ],
  [
    "the bucket's folder is moved away",
    () => {
      const folder = dirname(catalog);
      renameSync(folder, `${folder}.away`);
      return () => renameSync(`${folder}.away`, folder);
    },
  ],
];

test.each(ways)(
  "%s under the server: writes are refused until it is back, said once and shown",
  async (_, take) => {
    const other = await s3.createBucket("untouched");
    const putBack = take();
    await expectRefused();
    expect((await other.put("k", "v")).status).toBe(200);
    await until(async () => (await health("buckets"))[2] === "degraded");
    expect(await health("buckets")).toEqual([200, "degraded", "degraded"]);
    const metrics = await (await fetch(`http://127.0.0.1:${server.consolePort}/metrics`)).text();
    expect(metrics).toContain('maxiofs_catalog_problems{kind="lost"} 1');
    const lines = logLines("not in their place");
    expect(lines.length).toBe(1);
    for (const part of ['"bucket":"precious"', `"bucketId":"${basename(dirname(catalog))}"`, "index.db"])
      expect(lines[0]).toContain(part);
    putBack();
    await until(async () => (await bucket.put("after", "v")).status === 200);
    await until(async () => (await health("buckets"))[1] === "ok");
    await server.kill9();
    s3.close();
    await server.start();
    for (let i = 0; i < 20; i++)
      if (i !== 1 && i !== 2) expect((await bucket.get(`before${i}`)).text).toBe("acknowledged");
    expect((await bucket.get("after")).text).toBe("v");
  },
  30_000,
);

test("index.db removed: a bucket that nobody writes to is noticed as well, and cannot be deleted", async () => {
  unlinkSync(catalog);
  await until(async () => (await health("buckets"))[1] === "degraded");
  expect(logLines("was removed under the running server").length).toBe(1);
  for (let i = 0; i < 20; i++) await bucket.delete(`before${i}`);
  expect((await bucket.sendToBucket({ method: "DELETE" })).status).toBe(503);
}, 30_000);

test("a changed row of an object: it is refused and named, others are served, and a new put mends it", async () => {
  const database = new Database(catalog);
  database.run(
    "UPDATE detail SET meta = 'x' || meta WHERE detail_id = (SELECT detail_id FROM version WHERE key = 'before3')",
  );
  database.close();
  for (const read of [await bucket.get("before3"), await bucket.head("before3")]) expect(read.status).toBe(500);
  expect((await bucket.get("before4")).text).toBe("acknowledged");
  await until(async () => (await health("buckets"))[2] === "degraded");
  const [line] = logLines("does not fit its checksum");
  expect(line).toContain('"key":"before3"');
  expect((await bucket.put("before3", "again")).status).toBe(200);
  expect((await bucket.get("before3")).text).toBe("again");
  await until(async () => (await health("buckets"))[2] === "ok");
}, 30_000);

test("control.db moved away: its changes are refused with 503, the server is not ready, until it is back", async () => {
  const path = join(server.dataDir, "control.db");
  renameSync(path, `${path}.away`);
  const refused = await s3.send({ method: "PUT", target: "/another" });
  expect([refused.status, refused.code]).toEqual([503, "ServiceUnavailable"]);
  const body = JSON.stringify({ userName: "admin" });
  const headers = { "content-type": "application/json" };
  expect((await server.adminFetch("/api/v1/access-keys", { method: "POST", headers, body })).status).toBe(503);
  expect((await bucket.put("k", "v")).status).toBe(200);
  await until(async () => (await health("control.db"))[0] === 503);
  expect(logLines("control.db was removed").length).toBe(1);
  renameSync(`${path}.away`, path);
  await until(async () => (await health("control.db"))[0] === 200);
  expect((await s3.send({ method: "PUT", target: "/another" })).status).toBe(200);
}, 30_000);

test("control.db lost while stopped: the start is refused and names it, and so does the check, before and after", async () => {
  await server.stop();
  s3.close();
  const path = join(server.dataDir, "control.db");
  renameSync(path, `${path}.away`);
  const before = await server.runVerb("check");
  expect([before.code, before.output]).toEqual([1, expect.stringContaining("control.db is missing")]);
  const refused = await server.runVerb("serve", ["--s3-listen", "127.0.0.1:0", "--console-listen", "127.0.0.1:0"]);
  expect([refused.code, refused.output]).toEqual([78, expect.stringContaining(`${path} is missing or empty`)]);
  const after = await server.runVerb("check");
  expect([after.code, after.output]).toEqual([1, expect.stringContaining("control.db is empty")]);
  expect(after.output).toContain("restore control.db from a backup");
  truncateSync(path);
  const emptied = await server.runVerb("check");
  expect([emptied.code, emptied.output]).toEqual([1, expect.stringContaining("control.db is empty or damaged")]);
  expect(emptied.output).toContain("restore control.db from a backup");
  expect(emptied.output).not.toContain("unreadable");
  renameSync(`${path}.away`, path);
  await server.start();
  expect((await bucket.get("before0")).text).toBe("acknowledged");
}, 30_000);

test("index.db locked by another process: writes get SlowDown, said once; reads and other buckets go on", async () => {
  const other = await s3.createBucket("unlocked");
  const locker = Bun.spawn({
    cmd: [
      process.execPath,
      "-e",
      'const { Database } = require("bun:sqlite"); const d = new Database(process.argv[1]); d.run("BEGIN IMMEDIATE"); console.log("locked"); setInterval(() => d, 1000)',
      catalog,
    ],
    stdout: "pipe",
  });
  try {
    await locker.stdout.getReader().read();
    for (let i = 0; i < 3; i++) {
      const refused = await bucket.put("k", "v");
      expect([refused.status, refused.code]).toEqual([503, "SlowDown"]);
    }
    expect((await bucket.get("before0")).text).toBe("acknowledged");
    expect((await other.put("k", "v")).status).toBe(200);
    expect(logLines("locked by another process").length).toBe(1);
  } finally {
    locker.kill("SIGKILL");
    await locker.exited;
  }
  expect((await bucket.put("k", "v")).status).toBe(200);
}, 30_000);

test("index.db damaged: the bucket answers 503, one line a minute names it, and the others are served", async () => {
  const other = await s3.createBucket("sound");
  await server.stop();
  s3.close();
  const bytes = readFileSync(catalog);
  bytes.fill(0xa5, 4096);
  writeFileSync(catalog, bytes);
  await server.start();
  for (let i = 0; i < 30; i++) expect((await bucket.get(`before${i % 20}`)).status).toBe(503);
  expect((await bucket.put("k", "v")).status).toBe(503);
  expect((await other.put("k", "v")).status).toBe(200);
  await until(async () => (await health("buckets"))[1] === "degraded");
  const lines = logLines("catalog is damaged");
  expect(lines.length).toBe(1);
  for (const part of ['"bucket":"precious"', '"bucketId":"', "SQLITE_"]) expect(lines[0]).toContain(part);
  expect(logLines("Request failed")).toEqual([]);
}, 30_000);

test("a blob removed: its object alone is refused as damaged and named; it does not hide a lost catalog", async () => {
  expect((await bucket.put("large", Buffer.alloc(300_000))).status).toBe(200);
  const blobs = join(dirname(catalog), "blobs");
  const [blob = ""] = readdirSync(blobs, { recursive: true, encoding: "utf8" }).filter((name) => name.length > 32);
  rmSync(join(blobs, blob));
  const refused = await bucket.get("large");
  expect([refused.status, refused.code]).toEqual([500, "InternalError"]);
  expect(refused.text).toContain("The stored object is damaged and was not served");
  expect((await bucket.get("before0")).text).toBe("acknowledged");
  expect(logLines("not in their place")).toEqual([]);
  await until(async () => logLines("damaged or missing").length > 0);
  const [line = ""] = logLines("damaged or missing");
  for (const part of ['"bucket":"precious"', '"problem":"object"', '"key":"large"', basename(blob)])
    expect(line).toContain(part);
  renameSync(catalog, `${catalog}.away`);
  await expectRefused();
  expect(logLines("not in their place").length).toBe(1);
}, 30_000);

test("damaged objects: health forgets them when the last one is put again, deleted, or whole again", async () => {
  const blobs = join(dirname(catalog), "blobs");
  const paths: string[] = [];
  for (const key of ["put", "deleted", "whole"]) {
    const before = new Set(readdirSync(blobs, { recursive: true, encoding: "utf8" }));
    expect((await bucket.put(key, Buffer.alloc(300_000))).status).toBe(200);
    const names = readdirSync(blobs, { recursive: true, encoding: "utf8" });
    paths.push(join(blobs, names.find((name) => name.length > 32 && !before.has(name)) ?? ""));
  }
  for (const path of paths) renameSync(path, `${path}.away`);
  // Each worker meets some of them.
  for (let i = 0; i < 8; i++)
    for (const key of ["put", "deleted", "whole"]) expect((await bucket.get(key)).status).toBe(500);
  await until(async () => (await health("buckets"))[2] === "degraded");
  expect((await bucket.put("put", "again")).status).toBe(200);
  expect((await bucket.delete("deleted")).status).toBe(204);
  await Bun.sleep(6_000);
  expect((await health("buckets"))[2]).toBe("degraded");
  renameSync(`${paths[2]}.away`, paths[2] ?? "");
  await until(async () => (await health("buckets"))[2] === "ok");
  expect(logLines("problem is over").length).toBe(1);
}, 60_000);

test("a catalog or blob that the system refuses is neither missing nor corrupt: 503, path, code and advice in the log", async () => {
  expect((await bucket.put("large", Buffer.alloc(300_000))).status).toBe(200);
  await server.stop();
  s3.close();
  const path = catalog;
  // Permissions do not stop root; a chain of links without end is refused to everybody.
  const blobs = join(dirname(path), "blobs");
  const [blob = ""] = readdirSync(blobs, { recursive: true, encoding: "utf8" }).filter((name) => name.length > 32);
  rmSync(join(blobs, blob));
  symlinkSync(join(blobs, blob), join(blobs, blob));
  await server.start();
  const refused = await bucket.get("large");
  expect([refused.status, refused.code]).toEqual([503, "ServiceUnavailable"]);
  await until(async () => (await health("buckets"))[2] === "degraded");
  const check = await server.runVerb("check");
  expect(check.output).not.toContain("missing: ");
  const [line = ""] = logLines("ELOOP");
  for (const part of ['"bucket":"precious"', '"key":"large"', '"problem":"unreadable"', blob, "belong to the user"])
    expect(line).toContain(part);
  await server.stop();
  renameSync(path, `${path}.away`);
  symlinkSync(path, path);
  s3.close();
  await server.start();
  expect((await bucket.get("before0")).status).toBe(503);
  expect((await bucket.put("before0", "x")).status).toBe(503);
  await until(async () => (await health("buckets"))[2] === "degraded");
  expect(logLines("cannot be used: ELOOP")[0]).toContain(path);
}, 30_000);

test("lost root key: told while the server still has it, and over when the file is back", async () => {
  const path = join(server.dataDir, "root.key");
  expect(await health("root.key")).toEqual([200, "ok", "ok"]);
  const text = readFileSync(path);
  rmSync(path);
  await until(async () => (await health("root.key"))[2] === "degraded");
  expect(await health("root.key")).toEqual([200, "degraded", "degraded"]);
  expect(logLines("Readiness changed").join("\n")).toContain(`${path} does not exist`);
  expect((await bucket.put("still", "served")).status).toBe(200);
  writeFileSync(path, text, { mode: 0o600 });
  await until(async () => (await health("root.key"))[2] === "ok");
});
