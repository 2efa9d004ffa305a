import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync, lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type ServerProcess, startServer } from "../server-process.ts";
import type { BucketClient } from "./bucket-client.ts";
import { clientOf, type S3Client } from "./s3-client.ts";
import { seededBytes } from "./test-data.ts";

let server: ServerProcess;
let s3: S3Client;
let bucket: BucketClient;
const umask = process.umask();
beforeAll(async () => {
  process.umask(0o022);
  server = await startServer();
  s3 = clientOf(server);
  bucket = await s3.createBucket("private");
});
afterAll(async () => {
  process.umask(umask);
  s3.close();
  await server.remove();
});

/** Every file and folder with its permission bits, such as `buckets/ID/index.db 0600`. */
function listOpenEntries(): string[] {
  const names = ["", ...readdirSync(server.dataDir, { recursive: true, encoding: "utf8" })];
  return names.flatMap((name) => {
    const mode = lstatSync(join(server.dataDir, name)).mode & 0o777;
    return mode & 0o077 ? [`${name} ${mode.toString(8)}`] : [];
  });
}

test("serve: under umask 022 every file and folder is for its owner alone", async () => {
  await bucket.put("inline", seededBytes(100, 1));
  await bucket.put("blob", seededBytes(300_000, 2));
  await server.createKey("user", [{ actions: ["s3:GetObject"], resources: ["*"] }]);
  const names = readdirSync(server.dataDir, { recursive: true, encoding: "utf8" }).map((name) =>
    name.split("/").at(-1),
  );
  for (const wanted of ["control.db", "control.db-wal", "lock.db", "lock.pid", "probe", "root.key"])
    expect(names).toContain(wanted);
  for (const wanted of ["index.db", "index.db-wal", "index.db-shm"]) expect(names).toContain(wanted);
  expect(listOpenEntries()).toEqual([]);
});

test("serve: the folder of an earlier release is tightened, said in the log, and served", async () => {
  await server.stop();
  s3.close();
  for (const name of readdirSync(server.dataDir, { recursive: true, encoding: "utf8" })) {
    const path = join(server.dataDir, name);
    if (!name.includes("blobs/") && name !== "root.key") chmodSync(path, lstatSync(path).isDirectory() ? 0o755 : 0o644);
  }
  chmodSync(server.dataDir, 0o755);
  await server.start();
  expect((await bucket.get("inline")).body.equals(seededBytes(100, 1))).toBe(true);
  expect((await bucket.put("inline", "again")).status).toBe(200);
  expect(server.output()).toContain("The data folder was open to other users");
  // Folders of single buckets are out of reach below `buckets`.
  const left = listOpenEntries().filter((entry) => !/^buckets\/[^/]+(\/blobs)? 755$/.test(entry));
  expect(left).toEqual([]);
}, 30_000);
