import { afterAll, expect, test } from "bun:test";
import { statSync, utimesSync } from "node:fs";
import { startServer } from "../server-process.ts";
import { hasTool, runToolOk, ScratchFolder } from "./client-tool.ts";
import { clientOf } from "./s3-client.ts";
import { seededBytes } from "./test-data.ts";

const isMissing = !hasTool("rclone");
const server = await startServer();
const s3 = clientOf(server);
const scratch = new ScratchFolder();
const env = {
  RCLONE_CONFIG: "/dev/null",
  RCLONE_CONFIG_T_TYPE: "s3",
  RCLONE_CONFIG_T_PROVIDER: "Other",
  RCLONE_CONFIG_T_ENDPOINT: server.endpoint,
  RCLONE_CONFIG_T_ACCESS_KEY_ID: server.credentials.accessKeyId,
  RCLONE_CONFIG_T_SECRET_ACCESS_KEY: server.credentials.secretKey,
  RCLONE_CONFIG_T_REGION: "us-east-1",
  RCLONE_LOW_LEVEL_RETRIES: "1",
  RCLONE_RETRIES: "1",
};
const names = [
  "plain",
  "with space",
  "plus+sign",
  "100%",
  "caf\u00e9",
  "sub/deep/\u65e5\u672c",
  "semi;colon&amp",
  "empty",
  "a'quote",
];
afterAll(async () => {
  s3.close();
  scratch.remove();
  await server.remove();
});

function rclone(...words: readonly string[]): Promise<string> {
  return runToolOk(["rclone", ...words], { env, cwd: scratch.path, timeoutSeconds: 90 });
}

function writeTree(folder: string): void {
  for (const [index, name] of names.entries()) {
    const path = scratch.write(`${folder}/${name}`, name === "empty" ? "" : seededBytes(100 * index + 1, index));
    utimesSync(path, 1_600_000_000 + index, 1_600_000_000 + index);
  }
}

test.skipIf(isMissing)(
  "rclone: copy, check, sync and modification times",
  async () => {
    writeTree("tree");
    await rclone("mkdir", "t:rclone-tree");
    await rclone("copy", "tree", "t:rclone-tree/t");
    await rclone("check", "tree", "t:rclone-tree/t");
    await rclone("check", "--download", "tree", "t:rclone-tree/t");
    const listed: unknown = JSON.parse(await rclone("lsjson", "-R", "--files-only", "t:rclone-tree/t"));
    const first = names.map((name, index) =>
      expect.objectContaining({
        Path: name,
        ModTime: expect.stringContaining(new Date((1_600_000_000 + index) * 1000).toISOString().slice(0, 19)),
      }),
    );
    expect(listed).toEqual(expect.arrayContaining(first));
    scratch.write("tree/plain", "changed");
    await rclone("sync", "--exclude", "empty", "--delete-excluded", "tree", "t:rclone-tree/t");
    expect(await rclone("lsf", "t:rclone-tree/t")).not.toContain("empty");
    await rclone("copy", "t:rclone-tree/t", "back");
    for (const name of names.filter((one) => one !== "empty")) {
      expect(scratch.read(`back/${name}`).equals(scratch.read(`tree/${name}`))).toBe(true);
      expect(Math.floor(statSync(scratch.join("back", name)).mtimeMs)).toBe(
        Math.floor(statSync(scratch.join("tree", name)).mtimeMs),
      );
    }
    await rclone("purge", "t:rclone-tree");
    expect(await rclone("lsd", "t:")).not.toContain("rclone-tree");
  },
  120_000,
);

test.skipIf(isMissing)(
  "rclone: a 20 MiB multipart upload keeps its MD5, is copied on the server, moved and read in parts",
  async () => {
    const body = seededBytes(20 * 1024 * 1024, 1);
    scratch.write("big/file", body);
    await rclone("mkdir", "t:rclone-big");
    await rclone("copy", "--s3-upload-cutoff", "5Mi", "--s3-chunk-size", "5Mi", "big", "t:rclone-big");
    await rclone("check", "big", "t:rclone-big");
    await rclone("copyto", "t:rclone-big/file", "t:rclone-big/copy");
    await rclone("moveto", "t:rclone-big/copy", "t:rclone-big/moved");
    await rclone("copyto", "t:rclone-big/moved", "big-back");
    expect(scratch.read("big-back").equals(body)).toBe(true);
    const tail = await rclone("cat", "--offset", "20971510", "--count", "10", "t:rclone-big/file");
    expect(tail.length).toBeGreaterThan(0);
    expect(await rclone("size", "t:rclone-big")).toContain("Total objects: 2");
  },
  120_000,
);

test.skipIf(isMissing)(
  "rclone: touch changes the time only, rcat stores a stream, link reads by URL",
  async () => {
    const bucket = await s3.createBucket("rclone-misc");
    await bucket.put("touched", "kept body");
    await rclone("touch", "--timestamp", "2020-01-02T03:04:05", "t:rclone-misc/touched");
    expect(await rclone("lsl", "t:rclone-misc/touched")).toContain("2020-01-02 03:04:05");
    expect((await bucket.get("touched")).text).toBe("kept body");
    await runToolOk(["rclone", "rcat", "t:rclone-misc/stream"], { env, stdin: seededBytes(300_000, 2) });
    expect((await bucket.get("stream")).body.equals(seededBytes(300_000, 2))).toBe(true);
    const url = (await rclone("link", "--expire", "1m", "t:rclone-misc/touched")).trim();
    expect(await (await fetch(url)).text()).toBe("kept body");
  },
  60_000,
);
