import { afterAll, expect, test } from "bun:test";
import { readdirSync, readlinkSync } from "node:fs";
import { ScratchBucket } from "#testing/scratch-bucket.ts";
import { CatalogUnavailableError } from "./catalog-unavailable-error.ts";
import { createCatalog } from "./open-catalog.ts";
import { SqliteCatalogReader } from "./sqlite-catalog-reader.ts";

const scratch = new ScratchBucket("bucket", 0);
const reader = new SqliteCatalogReader(scratch.dataDir);
afterAll(() => {
  reader.close();
  scratch.remove();
});

test("findNewest, findVersion: see what was just committed; bodies only when asked for", async () => {
  expect(await reader.findNewest("bucket", "k", true)).toBeUndefined();
  scratch.putInline("k", new Uint8Array(5));
  expect((await reader.findNewest("bucket", "k", true))?.body?.length).toBe(21);
  expect(await reader.findNewest("bucket", "k", false)).toMatchObject({ sizeBytes: 5, versionId: null, body: null });
  scratch.writer.setVersioning(1);
  const made = scratch.putInline("k", new Uint8Array(6));
  const id = made.ok ? (made.versionId ?? "") : "";
  expect(await reader.findVersion("bucket", { key: "k", versionId: id, withBody: true })).toMatchObject({
    sizeBytes: 6,
    versionId: id,
  });
  expect(await reader.findVersion("bucket", { key: "k", versionId: "null", withBody: false })).toMatchObject({
    sizeBytes: 5,
    body: null,
  });
  for (const other of ["", "x", `${id.slice(0, 10)}${"A".repeat(22)}`])
    expect(await reader.findVersion("bucket", { key: "k", versionId: other, withBody: false })).toBeUndefined();
  const marker = scratch.delete("k");
  expect(await reader.findNewest("bucket", "k", true)).toMatchObject({
    detailId: null,
    meta: "",
    versionId: marker.ok ? marker.versionId : "",
  });
});

test("readExtents: exactly the blobs that overlap the range", async () => {
  const upload = scratch.createUpload("parts", "u");
  for (const [index, size] of [5, 7, 9].entries()) await upload.putPart(index * 2 + 1, new Uint8Array(size));
  expect((await reader.listParts("bucket", "u", { marker: 1, limit: 1 })).map(({ partNumber }) => partNumber)).toEqual([
    3,
  ]);
  expect(await reader.readUpload("bucket", "u")).toMatchObject({ key: "parts", completed: false });
  upload.complete([1, 3, 5]);
  expect(await reader.readUpload("bucket", "u")).toMatchObject({ completed: true });
  const detailId = (await reader.findNewest("bucket", "parts", false))?.detailId ?? 0;
  const ranges: [number, number, number[]][] = [
    [0, 21, [1, 3, 5]],
    [0, 5, [1]],
    [4, 6, [1, 3]],
    [5, 12, [3]],
    [11, 13, [3, 5]],
    [21, 30, []],
  ];
  for (const [start, end, wanted] of ranges)
    expect((await reader.readExtents("bucket", detailId, { start, end })).map(({ partNumber }) => partNumber)).toEqual(
      wanted,
    );
  expect(await reader.readPart("bucket", detailId, 3)).toMatchObject({ offsetBytes: 5, sizeBytes: 7 });
  expect(await reader.readPart("bucket", detailId, 2)).toBeUndefined();
  expect(
    (await reader.listExtents("bucket", detailId, { marker: 1, limit: 10 })).map(({ partNumber }) => partNumber),
  ).toEqual([3, 5]);
});

test("SqliteCatalogReader: a missing bucket is unavailable, and served once it is there; closed ones are opened again", async () => {
  expect(reader.findNewest("later", "k", false)).rejects.toBeInstanceOf(CatalogUnavailableError);
  createCatalog(scratch.dataDir, "later");
  expect(await reader.findNewest("later", "k", false)).toBeUndefined();
  reader.close();
  reader.forget("never");
  expect(await reader.findNewest("later", "k", false)).toBeUndefined();
});

test("SqliteCatalogReader: more buckets than connections are served", async () => {
  for (let i = 0; i < 300; i++) createCatalog(scratch.dataDir, `b${i}`);
  for (let round = 0; round < 2; round++)
    for (let i = 0; i < 300; i++) expect(await reader.findNewest(`b${i}`, "k", false)).toBeUndefined();
});

test("forget: a late request for a deleted bucket does not open its catalog again", async () => {
  createCatalog(scratch.dataDir, "deleted");
  expect(await reader.findNewest("deleted", "k", false)).toBeUndefined();
  reader.forget("deleted");
  expect(await reader.findNewest("deleted", "k", false).catch((error: unknown) => error)).toMatchObject({
    code: "NoSuchBucket",
  });
  if (process.platform !== "linux") return;
  const open = readdirSync("/proc/self/fd").map((name) => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`);
    } catch {
      return "";
    }
  });
  expect(open.filter((path) => path.includes("/deleted/"))).toEqual([]);
});
