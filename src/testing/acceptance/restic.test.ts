import { afterAll, expect, test } from "bun:test";
import { startServer } from "../server-process.ts";
import { hasTool, runToolOk, ScratchFolder } from "./client-tool.ts";
import { clientOf } from "./s3-client.ts";
import { seededBytes } from "./test-data.ts";

const isMissing = !hasTool("restic");
const server = await startServer();
const s3 = clientOf(server);
const scratch = new ScratchFolder();
const env = {
  AWS_ACCESS_KEY_ID: server.credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: server.credentials.secretKey,
  RESTIC_REPOSITORY: `s3:${server.endpoint}/restic-repository/prefix`,
  RESTIC_PASSWORD: "test password",
  RESTIC_CACHE_DIR: scratch.join("cache"),
};
afterAll(async () => {
  s3.close();
  scratch.remove();
  await server.remove();
});

function restic(...words: readonly string[]): Promise<string> {
  return runToolOk(["restic", ...words], { env, cwd: scratch.path, timeoutSeconds: 120 });
}

test.skipIf(isMissing)(
  "restic: init, two backups, check with all data, restore byte for byte, forget and prune",
  async () => {
    const files = [
      ["small", seededBytes(10, 1)],
      ["folder/empty", Buffer.alloc(0)],
      ["folder/large", seededBytes(12 * 1024 * 1024, 2)],
      ["folder/caf\u00e9 +%", seededBytes(70_000, 3)],
    ] as const;
    for (const [name, body] of files) scratch.write(`source/${name}`, body);
    await restic("init");
    await restic("backup", "source");
    scratch.write("source/second", seededBytes(200_000, 4));
    await restic("backup", "source");
    await restic("check", "--read-data");
    await restic("restore", "latest", "--target", "restored");
    for (const [name, body] of files) expect(scratch.read(`restored/source/${name}`).equals(body)).toBe(true);
    expect(await restic("snapshots", "--json")).toContain("short_id");
    await restic("forget", "--keep-last", "1", "--prune");
    const snapshots: unknown = JSON.parse(await restic("snapshots", "--json"));
    expect(Array.isArray(snapshots) && snapshots.length).toBe(1);
    await restic("check", "--read-data");
    expect((await s3.send({ method: "HEAD", target: "/restic-repository" })).status).toBe(200);
  },
  180_000,
);
