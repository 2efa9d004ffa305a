import { afterEach, beforeEach, expect, test } from "bun:test";
import { ScratchBucket } from "#testing/scratch-bucket.ts";
import { SqliteCatalogReader } from "./sqlite-catalog-reader.ts";

let scratch: ScratchBucket;
let reader: SqliteCatalogReader;
beforeEach(() => {
  scratch = new ScratchBucket("bucket", 1);
  reader = new SqliteCatalogReader(scratch.dataDir);
});
afterEach(() => {
  reader.close();
  scratch.remove();
});

test.each([
  ["a column of the version", "UPDATE version SET etag = 'x'", "does not fit its checksum"],
  ["its size", "UPDATE version SET size_bytes = size_bytes + 1", "does not fit its checksum"],
  ["a delete marker", "UPDATE version SET flags = flags | 2", "does not fit its checksum"],
  ["the metadata", "UPDATE detail SET meta = replace(meta, 'STANDARD', 'STANDARE')", "does not fit its checksum"],
  ["metadata that are no JSON", "UPDATE detail SET meta = ''", "does not fit its checksum"],
  ["the detail of another", "UPDATE detail SET detail_id = detail_id + 1", "is missing in the catalog"],
  ["no detail", "DELETE FROM detail", "is missing in the catalog"],
])("toVersion: %s that was changed is damage, by name and by id", async (_what, change, reason) => {
  const put = scratch.putInline("k", new Uint8Array(5));
  const versionId = put.ok ? (put.versionId ?? "") : "";
  expect(await reader.findNewest("bucket", "k", true)).toMatchObject({ sizeBytes: 5, versionId });
  scratch.writer.database.exec(change);
  for (const reading of [
    reader.findNewest("bucket", "k", true),
    reader.findNewest("bucket", "k", false),
    reader.findVersion("bucket", { key: "k", versionId, withBody: true }),
  ]) {
    const error: unknown = await reading.catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: "DamagedBytesError", message: expect.stringContaining(reason) });
  }
});

test("toVersion: rows stay whole while versions come, go and are marked anew", async () => {
  const first = scratch.putInline("k", new Uint8Array(1));
  scratch.putInline("k", new Uint8Array(2));
  scratch.delete("k");
  expect(await reader.findNewest("bucket", "k", false)).toMatchObject({ meta: "", detailId: null });
  const versionId = first.ok ? (first.versionId ?? "") : "";
  expect(await reader.findVersion("bucket", { key: "k", versionId, withBody: false })).toMatchObject({ sizeBytes: 1 });
});

test("toUpload, toPart: changed rows of an open upload are damage", async () => {
  const upload = scratch.createUpload("k", "u");
  await upload.putPart(1, new Uint8Array(5));
  expect(await reader.readUpload("bucket", "u")).toMatchObject({ key: "k" });
  expect(await reader.listParts("bucket", "u", { marker: 0, limit: 9 })).toHaveLength(1);
  scratch.writer.database.exec("UPDATE part SET size_bytes = 6");
  scratch.writer.database.exec("UPDATE upload SET meta = '{}'");
  const damaged = expect.objectContaining({ name: "DamagedBytesError" });
  expect(await reader.readUpload("bucket", "u").catch((thrown: unknown) => thrown)).toEqual(damaged);
  const parts = reader.listParts("bucket", "u", { marker: 0, limit: 9 });
  expect(await parts.catch((thrown: unknown) => thrown)).toEqual(damaged);
});
