import { expect, test } from "bun:test";
import { freeChunks, minMeanChunkBytes, SmallChunks } from "./small-chunks.ts";

const invalidRequest = expect.objectContaining({ code: "InvalidRequest", status: 400 });

test("SmallChunks: so many may be small, the next one not", () => {
  const chunks = new SmallChunks();
  for (let count = 0; count < freeChunks; count++) chunks.add(1);
  expect(() => chunks.add(1)).toThrow(invalidRequest);
});

test("SmallChunks: the mean counts, on both sides of its bound", () => {
  const even = new SmallChunks();
  for (let count = 0; count < 10 * freeChunks; count++) even.add(minMeanChunkBytes);
  expect(() => even.add(minMeanChunkBytes - 1)).toThrow(invalidRequest);
  const large = new SmallChunks();
  large.add(2 * freeChunks * minMeanChunkBytes);
  for (let count = 1; count < 2 * freeChunks; count++) large.add(0);
  expect(() => large.add(0)).toThrow(invalidRequest);
});
