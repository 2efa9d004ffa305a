import { afterAll, expect, test } from "bun:test";
import { parseETagList } from "#kernel/s3/etag.ts";
import { ScratchBucket } from "#testing/scratch-bucket.ts";

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
const base = { kind: "delete", bucketId: "bucket", versionId: null, requestId: "", principal: "" } as const;

test("applyDelete: an absent key or version is success and leaves no trace", () => {
  const scratch = open();
  const result = scratch.delete("none");
  expect(result).toMatchObject({ ok: true, versionId: null, deleteMarker: false, seq: 0 });
  expect(scratch.delete("none", "null")).toMatchObject({ ok: true, versionId: "null" });
  expect(scratch.delete("none", "x".repeat(32))).toMatchObject({ ok: true, versionId: "x".repeat(32) });
  expect(scratch.writer.database.query("SELECT count(*) FROM log").values()).toEqual([[0]]);
});

test("applyDelete: only the named key goes, whatever other keys begin with it", () => {
  const scratch = open();
  const keys = ["a", "a/", "a//", "a/b", "../a", ".", ".."];
  for (const key of keys) scratch.putInline(key, body);
  scratch.delete("a/");
  const left = scratch.writer.database
    .query("SELECT key FROM version")
    .values()
    .map(([key]) => key);
  expect(new Set(left)).toEqual(new Set(keys.filter((key) => key !== "a/")));
});

test("applyDelete: a version id of another key, or of another form, removes nothing", () => {
  const scratch = open(1);
  const made = scratch.putInline("a", body);
  const id = made.ok ? (made.versionId ?? "") : "";
  scratch.putInline("b", body);
  for (const versionId of [`${id.slice(0, -1)}${id.endsWith("A") ? "B" : "A"}`, "null", "", "*"])
    expect(scratch.delete("a", versionId).ok).toBe(true);
  expect(scratch.delete("b", id).ok).toBe(true);
  expect(scratch.writer.counters.versions).toBe(2);
  expect(scratch.delete("a", id)).toMatchObject({ ok: true, versionId: id, deleteMarker: false });
  expect(scratch.writer.counters.versions).toBe(1);
});

test("applyDelete: a marker is made per delete, and removing it brings the object back", () => {
  const scratch = open(1);
  scratch.putInline("k", body);
  const marker = scratch.delete("k");
  expect(marker).toMatchObject({ ok: true, deleteMarker: true });
  expect(scratch.writer.counters).toMatchObject({ objects: 0, versions: 1, bytes: 10 });
  expect(scratch.delete("k", marker.ok ? marker.versionId : "")).toMatchObject({ ok: true, deleteMarker: true });
  expect(scratch.writer.counters).toMatchObject({ objects: 1, versions: 1, bytes: 10 });
});

test("applyDelete: conditions must hold for the version that would go", () => {
  const scratch = open();
  scratch.putInline("k", body, { etag: "one" });
  const conditional = (etag: string) =>
    scratch.commit({ ...base, key: "k", conditions: { ifMatch: parseETagList(`"${etag}"`) } });
  expect(conditional("other")).toMatchObject({ ok: false, code: "PreconditionFailed" });
  expect(scratch.commit({ ...base, key: "k", conditions: { sizeBytes: 11 } })).toMatchObject({
    ok: false,
    code: "PreconditionFailed",
  });
  expect(scratch.writer.counters.objects).toBe(1);
  expect(conditional("one").ok).toBe(true);
  expect(scratch.writer.counters.objects).toBe(0);
});
