import { afterAll, expect, test } from "bun:test";
import fc from "fast-check";
import { startServer } from "../server-process.ts";
import { listModel } from "./listing-model.ts";
import { pagedOperations, readPages } from "./listing-pages.ts";
import { clientOf } from "./s3-client.ts";

const server = await startServer();
const s3 = clientOf(server);
let bucketNumber = 0;
afterAll(async () => {
  s3.close();
  await server.remove();
});

const text = (maxLength: number) =>
  fc
    .array(fc.constantFrom("a", "b", "/", "-", "\u00e9", "\uffee", "\ud83d\ude80", "%"), { maxLength })
    .map((letters) => letters.join(""));

test("listings: random keys, prefixes, delimiters, markers and page sizes agree with the model", async () => {
  const query = fc.record({ prefix: text(2), delimiter: text(2), after: text(3) });
  const keySets = fc.uniqueArray(
    text(5).filter((key) => key !== ""),
    { minLength: 1, maxLength: 25 },
  );
  const cases = fc.record({ keys: keySets, queries: fc.array(query, { minLength: 5, maxLength: 15 }) });
  await fc.assert(
    fc.asyncProperty(cases, async ({ keys, queries }) => {
      const bucket = await s3.createBucket(`listing-${++bucketNumber}`);
      await Promise.all(keys.map((key) => bucket.put(key, "x")));
      for (const one of queries) {
        const expected = listModel(keys, one);
        for (const operation of pagedOperations.filter(({ name }) => name !== "ListMultipartUploads")) {
          for (let pageSize = 1; pageSize <= expected.length + 1; pageSize++) {
            const pages = await readPages(bucket, operation, { ...one, pageSize });
            expect(pages.flatMap(({ entries }) => entries)).toEqual(expected);
          }
        }
      }
    }),
    { numRuns: 60, seed: 1 },
  );
}, 900_000);
