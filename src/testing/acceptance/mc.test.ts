import { afterAll, expect, test } from "bun:test";
import { startServer } from "../server-process.ts";
import { hasTool, runTool, runToolOk, ScratchFolder } from "./client-tool.ts";
import { clientOf } from "./s3-client.ts";
import { seededBytes } from "./test-data.ts";

const isMissing = !hasTool("mc");
const server = await startServer();
const s3 = clientOf(server);
const scratch = new ScratchFolder();
afterAll(async () => {
  s3.close();
  scratch.remove();
  await server.remove();
});

function command(...words: readonly string[]): readonly string[] {
  return ["mc", "--config-dir", scratch.join("config"), "--disable-pager", ...words];
}

function mc(...words: readonly string[]): Promise<string> {
  return runToolOk(command(...words), { cwd: scratch.path, timeoutSeconds: 90 });
}

if (!isMissing)
  await mc("alias", "set", "t", server.endpoint, server.credentials.accessKeyId, server.credentials.secretKey);

const names = [
  "plain",
  "with space",
  "plus+sign",
  "100%",
  "caf\u00e9",
  "cafe\u0301",
  "sub/deep/\u65e5\u672c",
  "semi;colon&amp",
];

test.skipIf(isMissing)(
  "mc: mb, cp up and down of every size, cat, stat, rm",
  async () => {
    await mc("mb", "t/mc-files");
    for (const size of [0, 1, 100 * 1024, 20 * 1024 * 1024]) {
      scratch.write(`up/${size}`, seededBytes(size, size));
      await mc("cp", "--quiet", `up/${size}`, `t/mc-files/size-${size}`);
      await mc("cp", "--quiet", `t/mc-files/size-${size}`, `down/${size}`);
      expect(scratch.read(`down/${size}`).equals(seededBytes(size, size))).toBe(true);
    }
    scratch.write("hello", "hello mc");
    await mc("cp", "--attr", "Cache-Control=max-age=60;Owner=me", "hello", "t/mc-files/attributes");
    expect(await mc("cat", "t/mc-files/attributes")).toBe("hello mc");
    const stat = await mc("stat", "--json", "t/mc-files/attributes");
    expect(stat).toContain("max-age=60");
    expect(stat.toLowerCase()).toContain('"x-amz-meta-owner":"me"');
    await mc("rm", "t/mc-files/attributes");
    expect((await runTool(command("stat", "t/mc-files/attributes"))).code).not.toBe(0);
  },
  120_000,
);

test.skipIf(isMissing)(
  "mc: mirror of a tree up, again without work, and back byte for byte; ls and rm --recursive",
  async () => {
    for (const [index, name] of names.entries()) scratch.write(`tree/${name}`, `content ${index}`);
    await mc("mb", "t/mc-tree");
    await mc("mirror", "--quiet", "tree", "t/mc-tree/t");
    const listed = await mc("ls", "--recursive", "--json", "t/mc-tree");
    for (const name of names) expect(listed).toContain(JSON.stringify(`t/${name}`).replaceAll("&", "\\u0026"));
    scratch.write("tree/plain", "changed and longer");
    await mc("mirror", "--quiet", "--overwrite", "tree", "t/mc-tree/t");
    await mc("mirror", "--quiet", "t/mc-tree/t", "back");
    for (const name of names) expect(scratch.read(`back/${name}`).equals(scratch.read(`tree/${name}`))).toBe(true);
    expect(await mc("diff", "back", "t/mc-tree/t")).not.toMatch(/^[<>]/m);
    await mc("rm", "--recursive", "--force", "t/mc-tree/t");
    expect((await mc("ls", "--recursive", "t/mc-tree")).trim()).toBe("");
    await mc("rb", "t/mc-tree");
  },
  120_000,
);

test.skipIf(isMissing)(
  "mc: copies on the server, moves, pipes, heads and shares by URL",
  async () => {
    const bucket = await s3.createBucket("mc-copy");
    await bucket.put("source", "copied by mc", { "x-amz-meta-kept": "yes" });
    await mc("cp", "--quiet", "t/mc-copy/source", "t/mc-copy/target");
    expect((await bucket.get("target")).text).toBe("copied by mc");
    await mc("mv", "--quiet", "t/mc-copy/target", "t/mc-copy/moved");
    expect([(await bucket.head("target")).status, (await bucket.head("moved")).status]).toEqual([404, 200]);
    await runToolOk(command("pipe", "t/mc-copy/piped"), { stdin: seededBytes(300_000, 5) });
    expect((await bucket.get("piped")).body.equals(seededBytes(300_000, 5))).toBe(true);
    const shared = await mc("share", "download", "--json", "t/mc-copy/source");
    const url = /"share":"([^"]+)"/.exec(shared)?.[1]?.replaceAll("\\u0026", "&") ?? "";
    expect(await (await fetch(url)).text()).toBe("copied by mc");
    expect(await mc("find", "t/mc-copy", "--name", "moved")).toContain("mc-copy/moved");
    expect(await mc("du", "t/mc-copy")).toContain("objects");
  },
  120_000,
);

test.skipIf(isMissing)("mc: a bucket that does not exist is said so", async () => {
  const answer = await runTool(command("ls", "t/mc-no-such-bucket/"));
  expect([answer.code !== 0, `${answer.stdout}${answer.stderr}`.includes("does not exist")]).toEqual([true, true]);
});
