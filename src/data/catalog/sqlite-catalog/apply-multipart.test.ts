import { afterAll, expect, test } from "bun:test";
import { ScratchBucket, type ScratchUpload } from "#testing/scratch-bucket.ts";
import { BucketWriter } from "./bucket-writer.ts";

const scratches: ScratchBucket[] = [];
afterAll(() => {
  for (const scratch of scratches) scratch.remove();
});

function open(): ScratchBucket {
  const scratch = new ScratchBucket();
  scratches.push(scratch);
  return scratch;
}

function column(scratch: ScratchBucket, sql: string): unknown[] {
  return scratch.writer.database
    .query(sql)
    .values()
    .map(([value]) => value);
}

async function openWithParts(scratch: ScratchBucket, sizes: readonly number[]): Promise<ScratchUpload> {
  const upload = scratch.createUpload("k", "u");
  for (const [index, size] of sizes.entries()) await upload.putPart(index + 1, new Uint8Array(size));
  return upload;
}

const base = { bucketId: "bucket", key: "k", uploadId: "u", requestId: "", principal: "" };

test("applyCompleteUpload: lists the parts in order; unlisted ones go to the collector", async () => {
  const scratch = open();
  const upload = await openWithParts(scratch, [5, 7, 9]);
  expect(scratch.writer.counters.partBytes).toBe(21);
  expect(upload.complete([1, 3])).toMatchObject({ ok: true, etag: "multi-2" });
  expect(scratch.writer.counters).toEqual({ objects: 1, versions: 1, bytes: 14, partBytes: 0 });
  expect(
    scratch.writer.database
      .query("SELECT ordinal, part_number, offset_bytes, size_bytes FROM extent ORDER BY ordinal")
      .values(),
  ).toEqual([
    [0, 1, 0, 5],
    [1, 3, 5, 9],
  ]);
  expect(column(scratch, "SELECT count(*) FROM garbage_blob")).toEqual([1]);
});

test("applyCompleteUpload: the same completion answers the same, another one does not, also after a restart", async () => {
  const scratch = open();
  const upload = await openWithParts(scratch, [5, 7]);
  const first = upload.complete([1, 2]);
  scratch.putInline("k", new Uint8Array(1));
  scratch.commits.closeBucket("bucket");
  expect(upload.complete([1, 2])).toMatchObject(first);
  expect(upload.complete([1])).toMatchObject({ ok: false, code: "NoSuchUpload" });
  expect(upload.abort()).toMatchObject({ ok: false, code: "NoSuchUpload" });
  expect(scratch.writer.counters).toEqual({ objects: 1, versions: 1, bytes: 1, partBytes: 0 });
});

test("applyCompleteUpload: a refused completion leaves the upload and the old object as they were", async () => {
  const scratch = open();
  scratch.putInline("k", new Uint8Array(3));
  const upload = await openWithParts(scratch, [5, 7]);
  const before = scratch.writer.counters;
  const complete = {
    ...base,
    kind: "completeUpload" as const,
    fingerprint: "f",
    sizeBytes: 12,
    etag: "e",
    flags: 0,
    meta: "{}",
    attributes: null,
    conditions: null,
  };
  const part = (partNumber: number, etag: string, checksum: string | null = null) => ({ partNumber, etag, checksum });
  const lists = [[part(1, "other")], [part(3, "e3")], [part(1, "e1", "CRC32:AAAAAA==")], [part(1, "e1")]];
  for (const parts of lists)
    expect(scratch.commit({ ...complete, parts })).toMatchObject({ ok: false, code: "InvalidPart" });
  const whole = [part(1, "e1"), part(2, "e2")];
  expect(scratch.commit({ ...complete, parts: whole, conditions: { ifNoneMatch: { any: true } } })).toMatchObject({
    code: "PreconditionFailed",
  });
  expect(scratch.commit({ ...complete, parts: whole, key: "other" })).toMatchObject({ code: "NoSuchUpload" });
  expect([scratch.writer.counters, column(scratch, "SELECT count(*) FROM part")]).toEqual([before, [2]]);
  expect(upload.complete([1, 2]).ok).toBe(true);
});

test("applyCompleteUpload: only the last part may be small", async () => {
  const scratch = open();
  await openWithParts(scratch, [5, 7]);
  scratch.commits.closeBucket("bucket");
  const writer = new BucketWriter({
    dataDir: scratch.dataDir,
    bucketId: "bucket",
    clock: scratch.clock,
    minPartBytes: 6,
  });
  const parts = [1, 2].map((partNumber) => ({ partNumber, etag: `e${partNumber}`, checksum: null }));
  const complete = {
    ...base,
    kind: "completeUpload" as const,
    parts,
    fingerprint: "f",
    sizeBytes: 12,
    etag: "e",
    flags: 0,
    meta: "{}",
    attributes: null,
    conditions: null,
  };
  const [result] = writer.commit([{ mutation: complete, bytes: new Uint8Array() }]);
  expect(result).toMatchObject({
    ok: false,
    code: "EntityTooSmall",
    fields: { PartNumber: 1, ProposedSize: 5, MinSizeAllowed: 6 },
  });
  writer.close();
});

test("applyCompleteUpload: with a condition it notices that the key changed since the upload began", async () => {
  const scratch = open();
  scratch.putInline("k", new Uint8Array(3), { etag: "one" });
  await openWithParts(scratch, [5]);
  scratch.delete("k");
  const complete = {
    ...base,
    kind: "completeUpload" as const,
    parts: [{ partNumber: 1, etag: "e1", checksum: null }],
    fingerprint: "f",
    sizeBytes: 5,
    etag: "e",
    flags: 0,
    meta: "{}",
    attributes: null,
  };
  expect(scratch.commit({ ...complete, conditions: { ifNoneMatch: { any: true } } })).toMatchObject({
    ok: false,
    code: "ConditionalRequestConflict",
  });
  expect(scratch.commit({ ...complete, conditions: null }).ok).toBe(true);
});

test("applyPutPart: a part replaces the one of its number; an upload of another key is none", async () => {
  const scratch = open();
  const upload = await openWithParts(scratch, [5]);
  await upload.putPart(1, new Uint8Array(8));
  expect(scratch.writer.counters.partBytes).toBe(8);
  expect(column(scratch, "SELECT count(*) FROM garbage_blob")).toEqual([1]);
  const part = {
    ...base,
    kind: "putPart" as const,
    partNumber: 1,
    blob: { blobId: "b", sizeBytes: 1 },
    etag: "e",
    checksum: null,
  };
  expect(scratch.commit({ ...part, key: "other" })).toMatchObject({ ok: false, code: "NoSuchUpload" });
  expect(scratch.commit({ ...part, uploadId: "other" })).toMatchObject({ ok: false, code: "NoSuchUpload" });
});

test("applyAbortUpload: frees every part; a wrong time of initiation is refused", async () => {
  const scratch = open();
  const upload = await openWithParts(scratch, [5, 7]);
  const abort = { ...base, kind: "abortUpload" as const };
  expect(scratch.commit({ ...abort, ifInitiatedMs: 1_000 })).toMatchObject({ ok: false, code: "PreconditionFailed" });
  expect(upload.abort().ok).toBe(true);
  expect(upload.abort()).toMatchObject({ ok: false, code: "NoSuchUpload" });
  expect([scratch.writer.counters.partBytes, column(scratch, "SELECT count(*) FROM garbage_blob")]).toEqual([0, [2]]);
});
