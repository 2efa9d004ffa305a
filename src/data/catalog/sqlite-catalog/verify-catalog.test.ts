import { afterAll, expect, test } from "bun:test";
import { ScratchBucket } from "#testing/scratch-bucket.ts";
import type { CatalogFinding } from "./catalog-finding.ts";
import { verifyCatalog } from "./verify-catalog.ts";

const scratches: ScratchBucket[] = [];
afterAll(() => {
  for (const scratch of scratches) scratch.remove();
});

async function open(): Promise<ScratchBucket> {
  const scratch = new ScratchBucket("bucket", 1);
  scratches.push(scratch);
  scratch.putInline("a", new Uint8Array(5));
  scratch.putInline("a", new Uint8Array(6));
  const gone = scratch.putInline("b", new Uint8Array(7));
  scratch.delete("b", gone.ok ? gone.versionId : null);
  scratch.delete("b");
  const upload = scratch.createUpload("k", "done");
  await upload.putPart(1, new Uint8Array(3));
  upload.complete([1]);
  await scratch.createUpload("k", "open").putPart(4, new Uint8Array(2));
  return scratch;
}

function texts(scratch: ScratchBucket): string[] {
  return [...verifyCatalog(scratch.writer.database)].flatMap((finding) =>
    finding.kind === "damaged" || finding.kind === "drifted" ? [finding.text] : [],
  );
}

test("verifyCatalog: walks every version and part, and counts them", async () => {
  const scratch = await open();
  const findings: CatalogFinding[] = [...verifyCatalog(scratch.writer.database)];
  expect(findings.at(-1)).toEqual({
    kind: "counted",
    counts: { objects: 2, versions: 3, bytes: 14, partBytes: 2, openUploads: 1 },
  });
  const versions = findings.flatMap((finding) =>
    finding.kind === "version" ? [`${finding.version.key} ${finding.version.sizeBytes} ${finding.version.isLive}`] : [],
  );
  expect(versions).toEqual(["a 6 true", "a 5 true", "b 0 true", "k 3 true", "b 7 false"]);
  expect(findings.flatMap((finding) => (finding.kind === "part" ? [finding.part.partNumber] : []))).toEqual([4]);
  expect(texts(scratch)).toEqual([]);
});

test.each([
  ["UPDATE bucket_state SET value = value + 1 WHERE name = 'objects'", "objects is 3, counted 2"],
  ["UPDATE bucket_state SET value = 0 WHERE name = 'hlc'", "A version is newer than the newest commit"],
  ["UPDATE bucket_state SET value = 1 WHERE name = 'nextDetailId'", "A detail has a number that was not given out yet"],
  [
    "UPDATE bucket_state SET value = 1 WHERE name = 'min_reader'",
    "The oldest readable form is not the one of this form",
  ],
  ["INSERT INTO bucket_state VALUES ('other', 1)", 'The bucket has an unknown number "other"'],
  ["UPDATE version SET flags = flags | 1 WHERE size_bytes = 5", '"a" ('],
  ["DELETE FROM log WHERE seq = 3", "The log has a gap between 2 and 4"],
  ["DELETE FROM log WHERE seq = (SELECT max(l.seq) FROM log l)", "The log ends at 5, the newest commit is 6"],
  ["UPDATE log SET record = zeroblob(20) WHERE seq = 1", "Log record 1: Commit record has a wrong length"],
  ["UPDATE log SET key = 'z' WHERE seq = 1", "Log record 1: its row and its record differ"],
  ["UPDATE upload SET meta = '{}' WHERE state = 0", "Upload open: its row does not fit its checksum"],
  ["UPDATE upload SET answer = '{}' WHERE state = 1", "Upload done: its row does not fit its checksum"],
  ["UPDATE part SET etag = 'x'", "Upload open: part 4 does not fit its checksum"],
  ["UPDATE part SET upload_id = 'none'", "1 parts without an upload"],
  [
    "INSERT INTO extent SELECT 99, ordinal, part_number, offset_bytes, size_bytes, blob_id, checksum FROM extent",
    "1 extents without a detail",
  ],
  ["DELETE FROM detail WHERE detail_id = 1", "3 details for 4 versions"],
  ["UPDATE closed_version SET until_hlc = until_hlc + 1", '"b" ('],
  ["DROP INDEX part_blob", "The schema is not the one of this form"],
  ["PRAGMA user_version = 9", "The catalog has form 9, wanted 1 to 2"],
  ["INSERT INTO extent_share VALUES (99, 1, 1)", "1 shares of lists without a detail"],
])("verifyCatalog: finds %s", async (damage, text) => {
  const scratch = await open();
  scratch.writer.database.exec(damage);
  expect(texts(scratch).some((each) => each.startsWith(text))).toBe(true);
});
