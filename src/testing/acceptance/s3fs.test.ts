import { afterAll, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { startServer } from "../server-process.ts";
import { hasTool, reportTool, runTool, runToolOk, ScratchFolder } from "./client-tool.ts";
import { clientOf } from "./s3-client.ts";
import { seededBytes } from "./test-data.ts";

const server = await startServer();
const s3 = clientOf(server);
const bucket = await s3.createBucket("s3fs-bucket");
const scratch = new ScratchFolder();
const mountPoint = scratch.join("mount");
const isMounted = hasTool("s3fs") && (await mount());
afterAll(async () => {
  if (isMounted) await runTool(["fusermount", "-u", mountPoint]);
  s3.close();
  scratch.remove();
  await server.remove();
});

async function mount(): Promise<boolean> {
  mkdirSync(mountPoint);
  const passwords = scratch.write("passwd", `${server.credentials.accessKeyId}:${server.credentials.secretKey}\n`);
  chmodSync(passwords, 0o600);
  const options = `passwd_file=${passwords},url=${server.endpoint},use_path_request_style,retries=1,use_cache=`;
  const mounted = await runTool(["s3fs", bucket.name, mountPoint, "-o", options], { timeoutSeconds: 20 });
  return reportTool(`FUSE for s3fs (${mounted.stderr.trim()})`, mounted.code === 0);
}

test.skipIf(!isMounted)(
  "s3fs: files and folders written through the mount are objects, and objects are files",
  async () => {
    const large = seededBytes(12 * 1024 * 1024, 1);
    writeFileSync(`${mountPoint}/small`, "written through the mount");
    writeFileSync(`${mountPoint}/large`, large);
    mkdirSync(`${mountPoint}/folder`);
    writeFileSync(`${mountPoint}/folder/caf\u00e9 +%`, "odd name");
    expect((await bucket.get("small")).text).toBe("written through the mount");
    expect((await bucket.get("large")).body.equals(large)).toBe(true);
    expect((await bucket.get("folder/caf\u00e9 +%")).text).toBe("odd name");
    expect(readFileSync(`${mountPoint}/large`).equals(large)).toBe(true);
    await bucket.put("from-outside", "stored by another client");
    expect(readFileSync(`${mountPoint}/from-outside`, "utf8")).toBe("stored by another client");
    expect(readdirSync(mountPoint).toSorted()).toEqual(["folder", "from-outside", "large", "small"]);
    expect(statSync(`${mountPoint}/large`).size).toBe(large.length);
  },
  60_000,
);

test.skipIf(!isMounted)(
  "s3fs: rename, chmod, append and removal reach the bucket",
  async () => {
    writeFileSync(`${mountPoint}/a`, "renamed");
    renameSync(`${mountPoint}/a`, `${mountPoint}/b`);
    expect([(await bucket.head("a")).status, (await bucket.get("b")).text]).toEqual([404, "renamed"]);
    chmodSync(`${mountPoint}/b`, 0o640);
    expect((await bucket.head("b")).headers["x-amz-meta-mode"]).toBeDefined();
    writeFileSync(`${mountPoint}/b`, " and appended", { flag: "a" });
    expect((await bucket.get("b")).text).toBe("renamed and appended");
    rmSync(`${mountPoint}/b`);
    expect([existsSync(`${mountPoint}/b`), (await bucket.head("b")).status]).toEqual([false, 404]);
    await runToolOk(["rm", "-rf", `${mountPoint}/folder`]);
    expect((await bucket.list("prefix=folder")).text).not.toContain("<Contents>");
  },
  60_000,
);
