import { afterAll, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { parseETagList } from "#kernel/s3/etag.ts";
import { ScratchBucket } from "#testing/scratch-bucket.ts";
import { removeBlobFile } from "../../blobs/disk-blobs/blob-files.ts";
import { blobPath } from "../../blobs/disk-blobs/blob-path.ts";

const scratches: ScratchBucket[] = [];
afterAll(() => {
  for (const scratch of scratches) scratch.remove();
});

function open(versioning = 0): ScratchBucket {
  const scratch = new ScratchBucket("bucket", versioning);
  scratches.push(scratch);
  return scratch;
}

const body = new Uint8Array(10);

function column(scratch: ScratchBucket, sql: string, ...values: string[]): unknown[] {
  return scratch.writer.database
    .query(sql)
    .values(...values)
    .map(([value]) => value);
}

test("applyPut: If-None-Match * and If-Match decide inside the transaction; a marker counts as absent", () => {
  const scratch = open(1);
  const absent = { conditions: { ifNoneMatch: { any: true } as const } };
  const match = (etag: string) => ({ conditions: { ifMatch: parseETagList(`"${etag}"`) } });
  expect(scratch.putInline("k", body, match("x"))).toMatchObject({ ok: false, code: "NoSuchKey" });
  expect(scratch.putInline("k", body, { ...absent, etag: "one" })).toMatchObject({ ok: true });
  expect(scratch.putInline("k", body, absent)).toMatchObject({ ok: false, code: "PreconditionFailed" });
  expect(scratch.putInline("k", body, match("other"))).toMatchObject({ ok: false, code: "PreconditionFailed" });
  expect(scratch.putInline("k", body, { ...match("one"), etag: "two" })).toMatchObject({ ok: true });
  scratch.delete("k");
  expect(scratch.putInline("k", body, match("two"))).toMatchObject({ ok: false, code: "NoSuchKey" });
  expect(scratch.putInline("k", body, absent)).toMatchObject({ ok: true });
});

test("applyPut: of two conditional puts in one transaction the second sees the first", () => {
  const scratch = open();
  const mutation = {
    ...scratch.makePut("k", { version: 0, sealed: "" }),
    conditions: { ifNoneMatch: { any: true } as const },
  };
  const results = scratch.writer.commit(
    [mutation, mutation].map((each) => ({ mutation: each, bytes: new Uint8Array() })),
  );
  expect(results.map((result) => (result.ok ? "ok" : result.code))).toEqual(["ok", "PreconditionFailed"]);
});

test("applyPut: sharing copies the body or the blobs of any version, also of one that was just replaced", async () => {
  const scratch = open();
  await scratch.putBlob("blob", body);
  scratch.putInline("inline", body);
  const [blobDetail, inlineDetail] = column(scratch, "SELECT detail_id FROM version ORDER BY key");
  scratch.putInline("blob", body);
  for (const detailId of [blobDetail, inlineDetail]) {
    const put = {
      ...scratch.makePut(`copy-${detailId}`, { version: 0, sealed: "" }),
      sizeBytes: 10,
      bytes: { kind: "share" as const, detailId: Number(detailId) },
    };
    expect(scratch.commit(put).ok).toBe(true);
  }
  expect(column(scratch, "SELECT count(DISTINCT blob_id) FROM extent")).toEqual([1]);
  // One row, however many blobs there are.
  expect(column(scratch, "SELECT count(*) FROM extent")).toEqual([1]);
  expect(column(scratch, "SELECT count(*) FROM extent_share")).toEqual([2]);
  expect(
    column(
      scratch,
      "SELECT length(d.body) FROM version v JOIN detail d USING (detail_id) WHERE v.key = ?",
      `copy-${inlineDetail}`,
    ),
  ).toEqual([26]);
  const gone = {
    ...scratch.makePut("copy", { version: 0, sealed: "" }),
    bytes: { kind: "share" as const, detailId: 999 },
  };
  expect(scratch.commit(gone)).toMatchObject({ ok: false, code: "NoSuchKey" });
});

test("applyPut: linked blobs are refused when one was freed between the linking and the commit", async () => {
  const scratch = open();
  const facts = { bucketId: "bucket", key: "k", wrappedKey: { version: 1, sealed: "" }, etag: "" };
  const blobs = [await scratch.writeBlob(body, body, facts), await scratch.writeBlob(new Uint8Array(3), body, facts)];
  const parts = blobs.map((blob, index) => ({ ...blob, partNumber: index + 1, checksum: null }));
  const put = {
    ...scratch.makePut("copy", { version: 0, sealed: "" }),
    sizeBytes: 13,
    bytes: { kind: "linked" as const, parts },
  };
  expect(scratch.commit(put).ok).toBe(true);
  expect(column(scratch, "SELECT offset_bytes FROM extent ORDER BY ordinal")).toEqual([0, 10]);
  const second = blobs[1]?.blobId ?? "";
  removeBlobFile(scratch.dataDir, "bucket", second);
  expect(existsSync(blobPath(scratch.dataDir, "bucket", second))).toBe(false);
  expect(scratch.commit(put)).toMatchObject({ ok: false, code: "OperationAborted" });
  expect(scratch.writer.counters.objects).toBe(1);
});

test("applyPut: an append is refused when the current version is not the one it was made for", () => {
  const scratch = open();
  const first = scratch.putInline("k", body, { appendTo: { hlc: null }, etag: "one" });
  if (!first.ok) throw new Error(first.code);
  const appendTo = { hlc: first.hlc };
  expect(scratch.putInline("k", body, { appendTo, etag: "two" }).ok).toBe(true);
  expect(scratch.putInline("k", body, { appendTo, etag: "three" })).toMatchObject({
    ok: false,
    code: "InvalidWriteOffset",
  });
  // The same bytes again are another version: headers and key may be others.
  scratch.putInline("k", body, { etag: "one" });
  expect(scratch.putInline("k", body, { appendTo })).toMatchObject({ ok: false, code: "InvalidWriteOffset" });
  expect(scratch.putInline("k", body, { appendTo: { hlc: null } })).toMatchObject({
    ok: false,
    code: "InvalidWriteOffset",
  });
});
