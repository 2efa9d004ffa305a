import { afterAll, expect, test } from "bun:test";
import { hasTool, runTool, runToolOk, ScratchFolder, type ToolResult } from "./client-tool.ts";
import { clientOf } from "./s3-client.ts";
import { md5Hex, oddKeys, seededBytes } from "./test-data.ts";
import { startTlsServer } from "./tls-server.ts";

const isMissing = !hasTool("aws");
const { server, tlsEndpoint, certificatePath, remove } = await startTlsServer();
const s3 = clientOf(server);
const scratch = new ScratchFolder();
const endpoints = [
  ["HTTP", server.endpoint],
  ["TLS", tlsEndpoint],
] as const;
afterAll(async () => {
  s3.close();
  scratch.remove();
  await remove();
});

const env = {
  AWS_ACCESS_KEY_ID: server.credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: server.credentials.secretKey,
  AWS_DEFAULT_REGION: "us-east-1",
  AWS_CONFIG_FILE: "/dev/null",
  AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
  AWS_EC2_METADATA_DISABLED: "true",
  AWS_CA_BUNDLE: certificatePath,
  AWS_MAX_ATTEMPTS: "1",
};

function aws(...command: readonly string[]): Promise<string> {
  return awsAt(server.endpoint, ...command);
}

function awsAt(endpoint: string, ...command: readonly string[]): Promise<string> {
  return runToolOk(["aws", "--endpoint-url", endpoint, ...command], { env, cwd: scratch.path, timeoutSeconds: 120 });
}

function tryAws(...command: readonly string[]): Promise<ToolResult> {
  return runTool(["aws", "--endpoint-url", server.endpoint, ...command], { env, cwd: scratch.path });
}

for (const [scheme, endpoint] of endpoints) {
  const bucket = `cli-${scheme.toLowerCase()}`;

  test.skipIf(isMissing)(
    `aws s3 over ${scheme}: mb, cp up and down of every size, byte for byte`,
    async () => {
      await awsAt(endpoint, "s3", "mb", `s3://${bucket}`);
      const sizes = [0, 1, 100 * 1024, 20 * 1024 * 1024];
      const folder = `sizes-${scheme}`;
      for (const size of sizes) scratch.write(`${folder}/${size}`, seededBytes(size, size));
      await awsAt(endpoint, "s3", "cp", "--quiet", "--recursive", folder, `s3://${bucket}/sizes/`);
      await awsAt(endpoint, "s3", "cp", "--quiet", "--recursive", `s3://${bucket}/sizes/`, `${folder}-back`);
      for (const size of sizes)
        expect(scratch.read(`${folder}-back/${size}`).equals(seededBytes(size, size))).toBe(true);
      const piped = await awsAt(endpoint, "s3", "cp", `s3://${bucket}/sizes/1`, "-");
      expect(Buffer.from(piped).length).toBeGreaterThan(0);
    },
    120_000,
  );

  test.skipIf(isMissing)(
    `aws s3 presign over ${scheme}: the URL works without credentials`,
    async () => {
      await (await s3.createBucket(bucket)).put("a key+plus", "presigned body");
      for (const region of ["us-east-1", "eu-central-1"]) {
        const url = (await awsAt(endpoint, "--region", region, "s3", "presign", `s3://${bucket}/a key+plus`)).trim();
        const body = await runToolOk(["curl", "-sS", "--fail", "--cacert", certificatePath, url]);
        expect(body).toBe("presigned body");
      }
    },
    60_000,
  );
}

test.skipIf(isMissing)(
  "aws s3 sync: uploads a tree with odd names, sees what changed, deletes what went, comes back whole",
  async () => {
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
    for (const [index, name] of names.entries()) scratch.write(`tree/${name}`, `content ${index}`);
    await aws("s3", "mb", "s3://cli-sync");
    await aws("s3", "sync", "tree", "s3://cli-sync/t");
    expect((await aws("s3", "sync", "tree", "s3://cli-sync/t")).trim()).toBe("");
    scratch.write("tree/plain", "content changed and longer");
    expect(await aws("s3", "sync", "tree", "s3://cli-sync/t")).toContain("upload: tree/plain");
    await aws("s3", "sync", "s3://cli-sync/t", "back");
    for (const name of names) expect(scratch.read(`back/${name}`).equals(scratch.read(`tree/${name}`))).toBe(true);
    await aws("s3", "rm", "--recursive", "s3://cli-sync/t/sub");
    await aws("s3", "sync", "--delete", "s3://cli-sync/t", "back");
    expect(() => scratch.read("back/sub/deep/\u65e5\u672c")).toThrow();
    await aws("s3", "rm", "--recursive", "s3://cli-sync");
    expect((await aws("s3", "ls", "s3://cli-sync")).trim()).toBe("");
    await aws("s3", "rb", "s3://cli-sync");
  },
  120_000,
);

test.skipIf(isMissing)(
  "aws s3 mv and cp between buckets: a multipart object is copied part by part and the source goes",
  async () => {
    const body = seededBytes(20 * 1024 * 1024, 9);
    const [source, target] = [await s3.createBucket("cli-move-a"), await s3.createBucket("cli-move-b")];
    await source.put("big", body);
    await aws("s3", "mv", "--quiet", "s3://cli-move-a/big", "s3://cli-move-b/moved");
    expect((await target.get("moved")).body.equals(body)).toBe(true);
    expect((await source.head("big")).status).toBe(404);
  },
  60_000,
);

test.skipIf(isMissing)(
  "aws s3api: every odd key is stored, listed, read and deleted",
  async () => {
    const bucket = await s3.createBucket("cli-odd");
    const keys = oddKeys.filter((key) => !key.includes("\t"));
    for (const [index, key] of keys.entries()) await bucket.put(key, `body ${index}`);
    const listed: unknown = JSON.parse(
      await aws("s3api", "list-objects-v2", "--bucket", "cli-odd", "--page-size", "7", "--query", "Contents[].Key"),
    );
    expect(listed).toEqual(keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
    scratch.write("odd-body", "from the client");
    for (const key of [
      "a//b",
      "./x",
      "../x",
      "a/../b",
      "/leading-slash",
      "percent%41%2F%",
      "plus+sign",
      " leading and trailing ",
      "caf\u00e9-composed",
    ]) {
      await aws("s3api", "put-object", "--bucket", "cli-odd", "--key", key, "--body", "odd-body");
      expect((await bucket.get(key)).text).toBe("from the client");
      await aws("s3api", "get-object", "--bucket", "cli-odd", "--key", key, "odd-back");
      expect(scratch.read("odd-back").toString()).toBe("from the client");
    }
    const remaining = JSON.stringify({ Objects: keys.map((Key) => ({ Key })), Quiet: true });
    await aws("s3api", "delete-objects", "--bucket", "cli-odd", "--delete", remaining);
    expect((await bucket.list()).text).not.toContain("<Contents>");
  },
  180_000,
);

test.skipIf(isMissing)(
  "aws s3api: metadata, checksums, ranges, conditions and errors as the CLI shows them",
  async () => {
    const bucket = await s3.createBucket("cli-api");
    const body = seededBytes(1000, 4);
    scratch.write("body", body);
    const object = ["--bucket", "cli-api", "--key", "k"];
    await aws(
      "s3api",
      "put-object",
      ...object,
      "--body",
      "body",
      "--metadata",
      "a=1,b=two",
      "--checksum-algorithm",
      "SHA256",
      "--content-type",
      "text/x",
    );
    const head = await aws("s3api", "head-object", ...object, "--checksum-mode", "ENABLED");
    expect(JSON.parse(head)).toMatchObject({
      ContentLength: 1000,
      ETag: `"${md5Hex(body)}"`,
      ContentType: "text/x",
      Metadata: { a: "1", b: "two" },
      ChecksumType: "FULL_OBJECT",
    });
    await aws("s3api", "get-object", ...object, "--range", "bytes=10-19", "range");
    expect(scratch.read("range").equals(body.subarray(10, 20))).toBe(true);
    const refused = await tryAws("s3api", "put-object", ...object, "--body", "body", "--if-none-match", "*");
    expect([refused.code !== 0, refused.stderr.includes("PreconditionFailed")]).toEqual([true, true]);
    const missing = await tryAws("s3api", "get-object", "--bucket", "cli-api", "--key", "missing", "x");
    expect(missing.stderr).toContain("NoSuchKey");
    const taken = await tryAws("s3api", "delete-bucket", "--bucket", "cli-api");
    expect(taken.stderr).toContain("BucketNotEmpty");
    await aws("s3api", "copy-object", "--bucket", "cli-api", "--key", "copy", "--copy-source", "cli-api/k");
    expect((await bucket.get("copy")).body.equals(body)).toBe(true);
    expect(await aws("s3api", "get-bucket-location", "--bucket", "cli-api")).toContain("null");
    expect(await aws("s3api", "list-object-versions", "--bucket", "cli-api")).toContain('"VersionId": "null"');
  },
  120_000,
);

test.skipIf(isMissing)(
  "aws s3api: a multipart upload by hand, listed, completed and aborted",
  async () => {
    await s3.createBucket("cli-multipart");
    const object = ["--bucket", "cli-multipart", "--key", "m"];
    const uploadId = (
      await aws("s3api", "create-multipart-upload", ...object, "--query", "UploadId", "--output", "text")
    ).trim();
    scratch.write("part1", seededBytes(5 * 1024 * 1024, 1));
    scratch.write("part2", seededBytes(10, 2));
    const etags: string[] = [];
    for (const number of ["1", "2"]) {
      const part = [
        "--upload-id",
        uploadId,
        "--part-number",
        number,
        "--body",
        `part${number}`,
        "--query",
        "ETag",
        "--output",
        "text",
      ];
      etags.push((await aws("s3api", "upload-part", ...object, ...part)).trim());
    }
    expect(await aws("s3api", "list-parts", ...object, "--upload-id", uploadId)).toContain('"PartNumber": 2');
    expect(await aws("s3api", "list-multipart-uploads", "--bucket", "cli-multipart")).toContain(uploadId);
    const parts = JSON.stringify({ Parts: etags.map((ETag, index) => ({ ETag, PartNumber: index + 1 })) });
    await aws("s3api", "complete-multipart-upload", ...object, "--upload-id", uploadId, "--multipart-upload", parts);
    await aws("s3api", "get-object", ...object, "whole");
    expect(scratch.read("whole").length).toBe(5 * 1024 * 1024 + 10);
    const other = (
      await aws("s3api", "create-multipart-upload", ...object, "--query", "UploadId", "--output", "text")
    ).trim();
    await aws("s3api", "abort-multipart-upload", ...object, "--upload-id", other);
    expect((await tryAws("s3api", "list-parts", ...object, "--upload-id", other)).stderr).toContain("NoSuchUpload");
  },
  120_000,
);
