import { afterAll, expect, test } from "bun:test";
import { ScratchBucket } from "#testing/scratch-bucket.ts";
import { verifyClosed, verifyLive } from "./verify-versions.ts";

const scratches: ScratchBucket[] = [];
afterAll(() => {
  for (const scratch of scratches) scratch.remove();
});

function open(): ScratchBucket {
  const scratch = new ScratchBucket("bucket", 2);
  scratches.push(scratch);
  scratch.putInline("k", new Uint8Array(5));
  scratch.writer.setVersioning(1);
  scratch.putInline("k", new Uint8Array(6));
  scratch.writer.setVersioning(2);
  scratch.putInline("k", new Uint8Array(7));
  return scratch;
}

function damagedTexts(scratch: ScratchBucket): string[] {
  const counts = { objects: 0, versions: 0, bytes: 0, partBytes: 0, openUploads: 0 };
  const findings = [...verifyLive(scratch.writer.database, counts), ...verifyClosed(scratch.writer.database)];
  return findings.flatMap((finding) => (finding.kind === "damaged" ? [finding.text.replace(/^.*: /, "")] : []));
}

test.each([
  ["UPDATE version SET size_bytes = 8 WHERE size_bytes = 7", "its row does not fit its checksum"],
  ["UPDATE version SET flags = flags & ~1", "its place among the versions is marked wrongly"],
  ["UPDATE version SET flags = flags | 4", "two versions are named null"],
  ["UPDATE detail SET meta = meta || ' '", "its detail does not fit its checksum"],
  ["UPDATE detail SET body = 'text'", "its detail does not fit its checksum"],
  ["DELETE FROM detail", "its detail is missing"],
  ["UPDATE closed_version SET until_seq = until_seq + 1", "its row does not fit its checksum"],
])("verifyLive, verifyClosed: find %s", (damage, text) => {
  const scratch = open();
  expect(damagedTexts(scratch)).toEqual([]);
  scratch.writer.database.exec(damage);
  expect(damagedTexts(scratch)).toContain(text);
});

test("verifyLive: a row that does not fit its checksum is not followed to its bytes", () => {
  const scratch = open();
  scratch.writer.database.exec("UPDATE version SET etag = 'x'");
  const counts = { objects: 0, versions: 0, bytes: 0, partBytes: 0, openUploads: 0 };
  expect([...verifyLive(scratch.writer.database, counts)].filter(({ kind }) => kind === "version")).toEqual([]);
});
