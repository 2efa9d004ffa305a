import { afterAll, expect, test } from "bun:test";
import { hasTool, runToolOk, ScratchFolder } from "./client-tool.ts";
import { clientOf } from "./s3-client.ts";
import { bodySizes, seededBytes } from "./test-data.ts";
import { startTlsServer } from "./tls-server.ts";

const { server, tlsEndpoint, tlsPort, certificatePath, remove } = await startTlsServer();
const { accessKeyId, secretKey } = server.credentials;
const s3 = clientOf(server);
const scratch = new ScratchFolder();
for (const size of bodySizes) scratch.write(`up/${size}`, seededBytes(size, size));
afterAll(async () => {
  s3.close();
  scratch.remove();
  await remove();
});

function run(env: Record<string, string>, ...command: readonly string[]): Promise<string> {
  return runToolOk(command, { env, cwd: scratch.path, timeoutSeconds: 120 });
}

function expectEqualFolder(folder: string): void {
  for (const size of bodySizes) expect(scratch.read(`${folder}/${size}`).equals(scratch.read(`up/${size}`))).toBe(true);
}

test.skipIf(!hasTool("mc"))(
  "mc over TLS: a tree of every size up and back",
  async () => {
    const mc = ["mc", "--config-dir", scratch.join("mc"), "--insecure"];
    await run({}, ...mc, "alias", "set", "t", tlsEndpoint, accessKeyId, secretKey);
    await run({}, ...mc, "mb", "t/tls-mc");
    await run({}, ...mc, "mirror", "--quiet", "up", "t/tls-mc");
    await run({}, ...mc, "mirror", "--quiet", "t/tls-mc", "mc-back");
    expectEqualFolder("mc-back");
  },
  180_000,
);

test.skipIf(!hasTool("rclone"))(
  "rclone over TLS: a tree of every size up, checked and back",
  async () => {
    const env = {
      RCLONE_CONFIG: "/dev/null",
      RCLONE_CONFIG_T_TYPE: "s3",
      RCLONE_CONFIG_T_PROVIDER: "Other",
      RCLONE_CONFIG_T_ENDPOINT: tlsEndpoint,
      RCLONE_CONFIG_T_ACCESS_KEY_ID: accessKeyId,
      RCLONE_CONFIG_T_SECRET_ACCESS_KEY: secretKey,
      RCLONE_CONFIG_T_REGION: "us-east-1",
    };
    const trust = ["--ca-cert", certificatePath];
    await run(env, "rclone", ...trust, "mkdir", "t:tls-rclone");
    await run(
      env,
      "rclone",
      ...trust,
      "--s3-upload-cutoff",
      "5Mi",
      "--s3-chunk-size",
      "5Mi",
      "copy",
      "up",
      "t:tls-rclone",
    );
    await run(env, "rclone", ...trust, "check", "up", "t:tls-rclone");
    await run(env, "rclone", ...trust, "copy", "t:tls-rclone", "rclone-back");
    expectEqualFolder("rclone-back");
  },
  180_000,
);

test.skipIf(!hasTool("restic"))(
  "restic over TLS: backup, check with all data, restore",
  async () => {
    const env = {
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretKey,
      RESTIC_REPOSITORY: `s3:${tlsEndpoint}/tls-restic`,
      RESTIC_PASSWORD: "test password",
      RESTIC_CACHE_DIR: scratch.join("cache"),
    };
    const restic = ["restic", "--cacert", certificatePath];
    await run(env, ...restic, "init");
    await run(env, ...restic, "backup", "up");
    await run(env, ...restic, "check", "--read-data");
    await run(env, ...restic, "restore", "latest", "--target", "restic-back");
    expectEqualFolder("restic-back/up");
  },
  180_000,
);

test.skipIf(!hasTool("s3cmd"))(
  "s3cmd over TLS: a tree of every size up and back",
  async () => {
    const host = `127.0.0.1:${tlsPort}`;
    const lines = ["[default]", `access_key = ${accessKeyId}`, `secret_key = ${secretKey}`, `host_base = ${host}`];
    const configuration = scratch.write(
      "s3cfg",
      [...lines, `host_bucket = ${host}`, "use_https = True", ""].join("\n"),
    );
    const s3cmd = ["s3cmd", "-c", configuration, "--no-progress", "--ca-certs", certificatePath];
    await run({}, ...s3cmd, "mb", "s3://tls-s3cmd");
    await run({}, ...s3cmd, "sync", "up/", "s3://tls-s3cmd/");
    await run({}, ...s3cmd, "sync", "s3://tls-s3cmd/", "s3cmd-back/");
    expectEqualFolder("s3cmd-back");
  },
  180_000,
);
