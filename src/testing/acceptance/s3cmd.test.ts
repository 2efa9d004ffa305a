import { afterAll, expect, test } from "bun:test";
import { startServer } from "../server-process.ts";
import { hasTool, runTool, runToolOk, ScratchFolder } from "./client-tool.ts";
import { clientOf } from "./s3-client.ts";
import { md5Hex, seededBytes } from "./test-data.ts";

const isMissing = !hasTool("s3cmd");
const server = await startServer();
const s3 = clientOf(server);
const scratch = new ScratchFolder();
const host = `127.0.0.1:${server.s3Port}`;
const configuration = scratch.write(
  "s3cfg",
  `[default]
access_key = ${server.credentials.accessKeyId}
secret_key = ${server.credentials.secretKey}
host_base = ${host}
host_bucket = ${host}
use_https = False
check_ssl_certificate = False
`,
);
afterAll(async () => {
  s3.close();
  scratch.remove();
  await server.remove();
});

function command(...words: readonly string[]): readonly string[] {
  return ["s3cmd", "-c", configuration, "--no-progress", ...words];
}

function s3cmd(...words: readonly string[]): Promise<string> {
  return runToolOk(command(...words), { cwd: scratch.path, timeoutSeconds: 90 });
}

test.skipIf(isMissing)(
  "s3cmd: mb, put and get of every size, info, cp, mv, del, rb",
  async () => {
    await s3cmd("mb", "s3://s3cmd-files");
    for (const size of [0, 1, 100 * 1024, 20 * 1024 * 1024]) {
      scratch.write(`up/${size}`, seededBytes(size, size));
      await s3cmd("put", `up/${size}`, `s3://s3cmd-files/size-${size}`);
      await s3cmd("get", "--force", `s3://s3cmd-files/size-${size}`, `down-${size}`);
      expect(scratch.read(`down-${size}`).equals(seededBytes(size, size))).toBe(true);
    }
    const info = await s3cmd("info", `s3://s3cmd-files/size-${100 * 1024}`);
    expect(info).toContain(md5Hex(seededBytes(100 * 1024, 100 * 1024)));
    await s3cmd("cp", "s3://s3cmd-files/size-1", "s3://s3cmd-files/copied");
    await s3cmd("mv", "s3://s3cmd-files/copied", "s3://s3cmd-files/moved name+%");
    expect(await s3cmd("ls", "s3://s3cmd-files")).toContain("s3://s3cmd-files/moved name+%");
    await s3cmd("get", "--force", "s3://s3cmd-files/moved name+%", "moved");
    expect(scratch.read("moved").equals(seededBytes(1, 1))).toBe(true);
    expect((await runTool(command("rb", "s3://s3cmd-files"))).code).not.toBe(0);
    await s3cmd("del", "--recursive", "--force", "s3://s3cmd-files");
    expect((await s3cmd("ls", "s3://s3cmd-files")).trim()).toBe("");
    await s3cmd("rb", "s3://s3cmd-files");
  },
  120_000,
);

test.skipIf(isMissing)(
  "s3cmd: sync up, again without work, and back byte for byte; info of a bucket; a missing key",
  async () => {
    const names = ["plain", "with space", "plus+sign", "100%", "caf\u00e9", "sub/deep/\u65e5\u672c"];
    for (const [index, name] of names.entries()) scratch.write(`tree/${name}`, `content ${index}`);
    await s3cmd("mb", "s3://s3cmd-tree");
    await s3cmd("sync", "tree/", "s3://s3cmd-tree/t/");
    expect(await s3cmd("sync", "tree/", "s3://s3cmd-tree/t/")).not.toContain("upload:");
    await s3cmd("sync", "s3://s3cmd-tree/t/", "back/");
    for (const name of names) expect(scratch.read(`back/${name}`).equals(scratch.read(`tree/${name}`))).toBe(true);
    expect(await s3cmd("info", "s3://s3cmd-tree")).toContain("Location");
    expect(await s3cmd("du", "s3://s3cmd-tree")).toContain("6 objects");
    expect((await runTool(command("get", "s3://s3cmd-tree/missing", "x"), { cwd: scratch.path })).code).not.toBe(0);
    const url = (await s3cmd("signurl", "s3://s3cmd-tree/t/plain", "+60")).trim();
    expect(await (await fetch(url)).text()).toBe("content 0");
  },
  120_000,
);
