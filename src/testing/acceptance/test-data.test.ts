import { expect, test } from "bun:test";
import { seededBytes, seededRandom } from "./test-data.ts";

test("seededBytes, seededRandom: equal for equal seeds, different for every two of a thousand", () => {
  expect(seededBytes(16, 7).equals(seededBytes(16, 7))).toBe(true);
  expect([seededRandom(7)(), seededRandom(7)()]).toEqual(Array(2).fill(seededRandom(7)()));
  const seeds = [-1, ...Array(1_000).keys(), 2 ** 31, 2 ** 32 - 1];
  const bytes = new Set(seeds.map((seed) => seededBytes(8, seed).toString("hex")));
  const firsts = new Set(seeds.map((seed) => seededRandom(seed)()));
  // -1 and 2 ** 32 - 1 are the same 32 bits.
  expect([bytes.size, firsts.size]).toEqual([seeds.length - 1, seeds.length - 1]);
});
