import { afterAll, expect, test } from "bun:test";
import { Readable } from "node:stream";
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketLocationCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  PutObjectCommand,
  paginateListObjectsV2,
  S3Client,
  S3ServiceException,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { startServer } from "../server-process.ts";
import { sortKeys } from "./listing-model.ts";
import { bodySizes, md5Hex, oddKeys, seededBytes } from "./test-data.ts";

const server = await startServer();
const { accessKeyId, secretKey: secretAccessKey } = server.credentials;
const s3 = new S3Client({
  endpoint: server.endpoint,
  region: "us-east-1",
  forcePathStyle: true,
  maxAttempts: 1,
  credentials: { accessKeyId, secretAccessKey },
});
const Bucket = "sdk-js";
await s3.send(new CreateBucketCommand({ Bucket }));
afterAll(async () => {
  s3.destroy();
  await server.remove();
});

async function read(Key: string, options: { Range?: string; PartNumber?: number } = {}): Promise<Buffer> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key, ...options }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
}

async function errorName(promise: Promise<unknown>): Promise<string> {
  const outcome = await promise.catch((error: unknown) => error);
  return outcome instanceof S3ServiceException ? outcome.name : "no error";
}

for (const size of bodySizes) {
  test(`@aws-sdk/client-s3: ${size} bytes with the default checksums`, async () => {
    const body = seededBytes(size, size);
    const put = await s3.send(new PutObjectCommand({ Bucket, Key: `size-${size}`, Body: body }));
    expect([put.ETag, put.ChecksumType]).toEqual([`"${md5Hex(body)}"`, "FULL_OBJECT"]);
    expect((await read(`size-${size}`)).equals(body)).toBe(true);
  });
}

test("@aws-sdk/client-s3: a stream as body, of known and unknown length", async () => {
  const body = seededBytes(300_000, 1);
  const pieces = () => Readable.from([body.subarray(0, 100_000), body.subarray(100_000)]);
  await s3.send(new PutObjectCommand({ Bucket, Key: "stream", Body: pieces(), ContentLength: body.length }));
  expect((await read("stream")).equals(body)).toBe(true);
  await new Upload({ client: s3, params: { Bucket, Key: "upload-small", Body: pieces() } }).done();
  expect((await read("upload-small")).equals(body)).toBe(true);
});

test("@aws-sdk/lib-storage: a multipart upload of a stream", async () => {
  const body = seededBytes(12 * 1024 * 1024 + 5, 2);
  const pieces = Array.from({ length: 13 }, (_, index) => body.subarray(index * 2 ** 20, (index + 1) * 2 ** 20));
  const params = { Bucket, Key: "upload", Body: Readable.from(pieces), Metadata: { kept: "yes" } };
  const done = await new Upload({ client: s3, params, partSize: 5 * 1024 * 1024, queueSize: 3 }).done();
  expect(done.ETag).toEndWith('-3"');
  expect((await read("upload")).equals(body)).toBe(true);
  expect((await read("upload", { PartNumber: 2 })).equals(body.subarray(5 * 2 ** 20, 10 * 2 ** 20))).toBe(true);
  const head = await s3.send(new HeadObjectCommand({ Bucket, Key: "upload", ChecksumMode: "ENABLED" }));
  expect(head.Metadata).toEqual({ kept: "yes" });
});

test("@aws-sdk/client-s3: odd keys are stored, listed over pages, read and deleted in one request", async () => {
  const name = "sdk-js-odd";
  await s3.send(new CreateBucketCommand({ Bucket: name }));
  for (const Key of oddKeys) await s3.send(new PutObjectCommand({ Bucket: name, Key, Body: Key }));
  for (const Key of oddKeys) {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: name, Key }));
    expect(await Body?.transformToString()).toBe(Key);
  }
  const listed: (string | undefined)[] = [];
  for await (const page of paginateListObjectsV2({ client: s3, pageSize: 4 }, { Bucket: name })) {
    listed.push(...(page.Contents ?? []).map(({ Key }) => Key));
  }
  expect(listed).toEqual(sortKeys(oddKeys));
  const Delete = { Objects: oddKeys.map((Key) => ({ Key })) };
  const deleted = await s3.send(new DeleteObjectsCommand({ Bucket: name, Delete }));
  expect([deleted.Deleted?.length, deleted.Errors ?? []]).toEqual([oddKeys.length, []]);
  await s3.send(new DeleteBucketCommand({ Bucket: name }));
});

test("@aws-sdk/client-s3: metadata in raw UTF-8, overwrite, copy, range, conditions, delete", async () => {
  const Metadata = { ascii: "a", utf8: "gr\u00fc\u00dfe" };
  await s3.send(new PutObjectCommand({ Bucket, Key: "meta", Body: "0123456789", Metadata, ContentType: "text/x" }));
  const head = await s3.send(new HeadObjectCommand({ Bucket, Key: "meta" }));
  expect([head.Metadata?.["ascii"], head.ContentType, head.ContentLength]).toEqual(["a", "text/x", 10]);
  expect((await read("meta", { Range: "bytes=2-4" })).toString()).toBe("234");
  await s3.send(
    new CopyObjectCommand({ Bucket, Key: "copy", CopySource: `${Bucket}/meta`, MetadataDirective: "COPY" }),
  );
  expect((await read("copy")).toString()).toBe("0123456789");
  const conditional = new PutObjectCommand({ Bucket, Key: "meta", Body: "x", IfNoneMatch: "*" });
  expect(await errorName(s3.send(conditional))).toBe("PreconditionFailed");
  await s3.send(new DeleteObjectCommand({ Bucket, Key: "meta" }));
  expect(await errorName(s3.send(new GetObjectCommand({ Bucket, Key: "meta" })))).toBe("NoSuchKey");
  expect(await errorName(s3.send(new HeadObjectCommand({ Bucket, Key: "meta" })))).toBe("NotFound");
});

test("@aws-sdk/s3-request-presigner: reads and writes by URL, hoisted headers included", async () => {
  const store = new PutObjectCommand({ Bucket, Key: "by url", Metadata: { hoisted: "yes" } });
  const put = await fetch(await getSignedUrl(s3, store, { expiresIn: 60 }), { method: "PUT", body: "by url" });
  expect([put.status, await put.text()]).toEqual([200, ""]);
  const got = await fetch(await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key: "by url" }), { expiresIn: 60 }));
  expect([got.status, await got.text()]).toEqual([200, "by url"]);
  const head = await s3.send(new HeadObjectCommand({ Bucket, Key: "by url" }));
  expect(head.Metadata).toEqual({ hoisted: "yes" });
});

test("@aws-sdk/client-s3: every checksum algorithm it knows is verified by the client on the way back", async () => {
  for (const ChecksumAlgorithm of ["CRC32", "CRC32C", "SHA1", "SHA256"] as const) {
    await s3.send(new PutObjectCommand({ Bucket, Key: "sum", Body: "checked", ChecksumAlgorithm }));
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: "sum", ChecksumMode: "ENABLED" }));
    expect(await Body?.transformToString()).toBe("checked");
  }
});

test("@aws-sdk/client-s3: buckets are listed, located and refused while they hold objects", async () => {
  const { Buckets = [] } = await s3.send(new ListBucketsCommand({}));
  expect(Buckets.map(({ Name }) => Name)).toContain(Bucket);
  expect((await s3.send(new HeadBucketCommand({ Bucket }))).BucketRegion).toBe("us-east-1");
  expect((await s3.send(new GetBucketLocationCommand({ Bucket }))).LocationConstraint).toBeUndefined();
  expect(await errorName(s3.send(new DeleteBucketCommand({ Bucket })))).toBe("BucketNotEmpty");
  expect(await errorName(s3.send(new HeadBucketCommand({ Bucket: "no-such-bucket" })))).toBe("NotFound");
});
