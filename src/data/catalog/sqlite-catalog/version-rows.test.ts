import { afterAll, expect, test } from "bun:test";
import { ScratchBucket } from "#testing/scratch-bucket.ts";
import { decodeCommitRecord } from "./commit-record.ts";

const scratch = new ScratchBucket("bucket", 1);
afterAll(() => scratch.remove());

test("addVersion, removeVersion: what is closed stays in the history with the commit that closed it", () => {
  const first = scratch.putInline("k", new Uint8Array(1));
  scratch.delete("k", first.ok ? first.versionId : "");
  const [row] = scratch.writer.database
    .query("SELECT key, hlc, from_seq, until_seq, until_hlc FROM closed_version")
    .values();
  expect(row?.slice(0, 4)).toEqual(["k", first.ok ? first.hlc : 0, 1, 2]);
  expect(Number(row?.[4])).toBeGreaterThan(Number(row?.[1]));
});

test("writeLog: one record per commit, with what another machine needs to make the row", () => {
  const made = scratch.putInline("logged", new Uint8Array(5), { etag: "etag", requestId: "R1" });
  const [row] = scratch.writer.database
    .query("SELECT seq, kind, key, version_id, record FROM log ORDER BY seq DESC LIMIT 1")
    .values();
  const versionId = made.ok ? made.versionId : "";
  expect(row?.slice(0, 4)).toEqual([made.ok ? made.seq : 0, "put", "logged", versionId]);
  const record = row?.[4];
  const header = record instanceof Uint8Array ? decodeCommitRecord(record) : {};
  expect(header).toMatchObject({
    recordVersion: 1,
    kind: "put",
    key: "logged",
    versionId,
    sizeBytes: 5,
    etag: "etag",
    requestId: "R1",
    principal: "test",
  });
});
