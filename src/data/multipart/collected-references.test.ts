import { afterEach, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import type { MutationResult } from "#kernel/protocol/mutation.ts";
import { ScratchBucket, type ScratchUpload } from "#testing/scratch-bucket.ts";
import { GarbageCollector } from "../background/collect-garbage.ts";
import { listBlobFiles, listBlobFolders } from "../blobs/disk-blobs/blob-files.ts";
import { blobPath } from "../blobs/disk-blobs/blob-path.ts";
import { versioningState } from "../catalog/sqlite-catalog/bucket-state.ts";

const hourMs = 3_600_000;
const steps = 300;
const body = new Uint8Array(10).fill(1);
let bucket: ScratchBucket | undefined;
afterEach(() => {
  bucket?.remove();
  bucket = undefined;
});

function open(versioning: number): ScratchBucket {
  bucket = new ScratchBucket("bucket", versioning);
  return bucket;
}

function collectorOf(scratch: ScratchBucket): GarbageCollector {
  const { dataDir, commits, clock, problemSink: problems } = scratch;
  return new GarbageCollector({ dataDir, commits, clock, windowMs: hourMs, warn: () => {}, problems });
}

/** Blobs that live versions and open uploads name. */
function namedBlobs({ writer }: ScratchBucket): Set<string> {
  const sql =
    "SELECT e.blob_id FROM version v LEFT JOIN extent_share s ON s.detail_id = v.detail_id JOIN extent e ON e.detail_id = coalesce(s.list_id, v.detail_id) AND e.ordinal < coalesce(s.extents, 10000) UNION SELECT blob_id FROM part";
  return new Set(
    writer.database
      .query(sql)
      .values()
      .map(([blobId]) => String(blobId)),
  );
}

function countFiles({ dataDir, bucketId }: ScratchBucket): number {
  return listBlobFolders(dataDir, bucketId).reduce(
    (sum, folder) => sum + listBlobFiles(dataDir, bucketId, folder).length,
    0,
  );
}

function newestDetail({ writer }: ScratchBucket, key: string): number {
  return Number(
    writer.database
      .query("SELECT detail_id FROM version WHERE key = ? ORDER BY hlc DESC LIMIT 1")
      .values(key)[0]?.[0] ?? 0,
  );
}

function codeOf(result: MutationResult): string {
  return result.ok ? "" : result.code;
}

for (const [name, versioning] of Object.entries(versioningState)) {
  test(`collected blobs: no blob that a version or part names is ever removed, all others are in the end (versioning ${name})`, async () => {
    const scratch = open(versioning);
    const collector = collectorOf(scratch);
    const uploads: ScratchUpload[] = [];
    let state = 77;
    const pick = (count: number) => {
      state = (state * 48_271) % 2_147_483_647;
      return state % count;
    };
    for (let step = 0; step < steps; step++) {
      await takeStep({ scratch, uploads, pick }, step);
      scratch.clock.advance(pick(20) * 60_000);
      collector.collect(scratch.bucketId);
      for (const blobId of namedBlobs(scratch))
        expect(existsSync(blobPath(scratch.dataDir, scratch.bucketId, blobId))).toBe(true);
    }
    for (const upload of uploads) upload.abort();
    for (const [key, versionId] of scratch.writer.database
      .query("SELECT key, coalesce(version_id, 'null') FROM version")
      .values()) {
      scratch.delete(String(key), String(versionId));
    }
    for (let round = 0; round < 10; round++) {
      scratch.clock.advance(2 * hourMs);
      while (collector.collect(scratch.bucketId));
    }
    expect([countFiles(scratch), scratch.writer.counters.partBytes, scratch.writer.counters.bytes]).toEqual([0, 0, 0]);
  });
}

async function takeStep(
  world: { scratch: ScratchBucket; uploads: ScratchUpload[]; pick: (count: number) => number },
  step: number,
): Promise<void> {
  const { scratch, uploads, pick } = world;
  const key = `key-${pick(3)}`;
  const upload = uploads[pick(Math.max(1, uploads.length))];
  switch (pick(7)) {
    case 0:
      await scratch.putBlob(key, body);
      return;
    case 1: {
      const wrapped = { version: 1, sealed: "" };
      const detailId = newestDetail(scratch, `key-${pick(3)}`);
      if (detailId > 0)
        scratch.commit({
          ...scratch.makePut(key, wrapped),
          sizeBytes: body.length,
          bytes: { kind: "share", detailId },
        });
      return;
    }
    case 2:
      scratch.delete(key);
      return;
    case 3:
      uploads.push(scratch.createUpload(key, `upload-${step}`));
      return;
    case 4:
      await upload?.putPart(1 + pick(2), body);
      return;
    case 5:
      if (upload?.complete([1]).ok) uploads.splice(uploads.indexOf(upload), 1);
      return;
    default:
      if (upload?.abort().ok) uploads.splice(uploads.indexOf(upload), 1);
  }
}

test("applyPut: linked blobs whose file is gone are refused, and nothing is stored", () => {
  const scratch = open(versioningState.never);
  const part = { blobId: "0".repeat(32), sizeBytes: 1, partNumber: 1, checksum: null };
  const put = {
    ...scratch.makePut("k", { version: 1, sealed: "" }),
    sizeBytes: 1,
    bytes: { kind: "linked", parts: [part] },
  } as const;
  expect(codeOf(scratch.commit(put))).toBe("OperationAborted");
  for (const query of [
    "SELECT count(*) FROM version",
    "SELECT count(*) FROM detail",
    "SELECT count(*) FROM extent",
    "SELECT count(*) FROM log",
  ]) {
    expect([query, scratch.writer.database.query(query).values()]).toEqual([query, [[0]]]);
  }
});

test("applyPut: an append is made for one version only, keeps its tags of now, and needs its bytes", async () => {
  const scratch = open(versioningState.never);
  const wrapped = { version: 1, sealed: "" };
  const put = await scratch.putBlob("k", body);
  if (!put.ok) throw new Error(put.code);
  const blob = await scratch.writeBlob(body, new Uint8Array(32), {
    bucketId: "bucket",
    key: "k",
    wrappedKey: wrapped,
    etag: "e",
  });
  const detailId = newestDetail(scratch, "k");
  const base = { ...scratch.makePut("k", wrapped), sizeBytes: 20, etag: "e-2", attributes: null };
  const append = {
    ...base,
    bytes: { kind: "append", detailId, blob, checksum: null },
    appendTo: { hlc: put.hlc },
  } as const;
  expect(codeOf(scratch.commit({ ...append, appendTo: { hlc: put.hlc - 1 } }))).toBe("InvalidWriteOffset");
  expect(codeOf(scratch.commit({ ...append, appendTo: { hlc: null } }))).toBe("InvalidWriteOffset");
  expect(codeOf(scratch.commit({ ...append, bytes: { ...append.bytes, detailId: 999 } }))).toBe("OperationAborted");
  expect(scratch.commit(append).ok).toBe(true);
  const extents = scratch.writer.database
    .query(
      "SELECT ordinal, part_number, offset_bytes, size_bytes FROM extent_share s JOIN extent e ON e.detail_id = s.list_id AND e.ordinal < s.extents WHERE s.detail_id = ? ORDER BY ordinal",
    )
    .values(newestDetail(scratch, "k"));
  expect(extents).toEqual([
    [0, 1, 0, 10],
    [1, 2, 10, 10],
  ]);
  expect(scratch.writer.database.query("SELECT attributes FROM version").values()).toEqual([
    [JSON.stringify({ tags: [["colour", "blue"]] })],
  ]);
});

test("applyCompleteUpload: a completed upload repeats its answer with the object's metadata, and refuses another list", async () => {
  const scratch = open(versioningState.enabled);
  const upload = scratch.createUpload("k", "id");
  await upload.putPart(2, body);
  await upload.putPart(3, body);
  const first = upload.complete([2, 3]);
  const second = upload.complete([2, 3]);
  if (!first.ok || !second.ok) throw new Error("A completion was refused");
  const { meta: _own, sizeBytes, ...answer } = second;
  expect([answer, sizeBytes]).toEqual([first, 2 * body.length]);
  expect(second.meta).toContain("storageClass");
  expect(codeOf(upload.complete([2]))).toBe("NoSuchUpload");
  expect(codeOf(upload.abort())).toBe("NoSuchUpload");
});

test("applyCompleteUpload: of a part's two checksums the object's stays with its extent, either may be listed", async () => {
  const scratch = open(versioningState.never);
  const upload = scratch.createUpload("k", "id");
  await upload.putPart(1, body, "CRC64NVME:AAAAAAAAAAA= CRC32:AAAAAA==");
  expect(upload.complete([1]).ok).toBe(true);
  expect(scratch.writer.database.query("SELECT checksum FROM extent").values()).toEqual([["CRC64NVME:AAAAAAAAAAA="]]);
});
