import { afterAll, beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { ScratchBucket } from "#testing/scratch-bucket.ts";
import { BucketReader } from "./bucket-reader.ts";
import { listExtents, readExtents, readPart } from "./find-extents.ts";

const scratch = new ScratchBucket("bucket", 0);
let reader: BucketReader;
beforeAll(() => {
  reader = new BucketReader(scratch.dataDir, "bucket");
});
afterAll(() => {
  reader.close();
  scratch.remove();
});

let nextDetail = 1_000;

/** Lists of blobs as completions and appends make them: part numbers ascend with gaps, the last one may be empty. */
function storeList(parts: readonly { readonly gap: number; readonly sizeBytes: number }[]) {
  const detailId = nextDetail++;
  const rows: { partNumber: number; offsetBytes: number; sizeBytes: number }[] = [];
  let partNumber = 0;
  let offsetBytes = 0;
  scratch.writer.database.transaction(() => {
    for (const [ordinal, { gap, sizeBytes }] of parts.entries()) {
      partNumber += gap;
      const insert = scratch.writer.database.query("INSERT INTO extent VALUES (?, ?, ?, ?, ?, ?, NULL)");
      insert.run(detailId, ordinal, partNumber, offsetBytes, sizeBytes, `blob-${ordinal}`);
      insert.finalize();
      rows.push({ partNumber, offsetBytes, sizeBytes });
      offsetBytes += sizeBytes;
    }
  })();
  return { detailId, rows, totalBytes: offsetBytes };
}

const lists = fc.array(fc.record({ gap: fc.integer({ min: 1, max: 3 }), sizeBytes: fc.integer({ min: 0, max: 4 }) }), {
  maxLength: 12,
});

test("readExtents, readPart, listExtents: what a look at every row finds", () => {
  fc.assert(
    fc.property(lists, (parts) => {
      const { detailId, rows, totalBytes } = storeList(parts);
      for (let start = 0; start <= totalBytes; start++)
        for (let end = start + 1; end <= totalBytes + 1; end++)
          expect(readExtents(reader, detailId, { start, end })).toMatchObject(
            rows.filter((row) => row.offsetBytes < end && row.offsetBytes + row.sizeBytes > start),
          );
      for (let number = 0; number <= 40; number++) {
        expect(readPart(reader, detailId, number)?.offsetBytes).toBe(
          rows.find(({ partNumber }) => partNumber === number)?.offsetBytes,
        );
        expect(listExtents(reader, detailId, { marker: number, limit: 2 })).toMatchObject(
          rows.filter(({ partNumber }) => partNumber > number).slice(0, 2),
        );
      }
    }),
    { numRuns: 40 },
  );
});

test("readExtents: a list with an empty place is damage, never a shorter object", () => {
  const { detailId } = storeList(Array.from({ length: 9 }, () => ({ gap: 1, sizeBytes: 5 })));
  scratch.writer.database.run("DELETE FROM extent WHERE detail_id = ? AND ordinal = 4", [detailId]);
  expect(() => readExtents(reader, detailId, { start: 40, end: 41 })).toThrow("Place 4");
});

test("readExtents: of 10,000 parts a few rows are looked at", () => {
  const { detailId } = storeList(Array.from({ length: 10_000 }, () => ({ gap: 1, sizeBytes: 5 })));
  let rows = 0;
  const counting = new Proxy(reader, {
    get: (target, name) =>
      name === "rows"
        ? (...values: Parameters<BucketReader["rows"]>) => {
            const found = target.rows(...values);
            rows += found.length;
            return found;
          }
        : Reflect.get(target, name),
  });
  expect(readExtents(counting, detailId, { start: 49_990, end: 49_991 })).toMatchObject([{ partNumber: 9_999 }]);
  expect(rows).toBeLessThan(40);
});
