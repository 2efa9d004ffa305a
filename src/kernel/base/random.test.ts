import { expect, test } from "bun:test";
import { randomBytes, systemRandom } from "./random.ts";

test("randomBytes: has the length asked for, also above one fill", () => {
  for (const count of [0, 1, 32, 65_536, 65_537, 200_000]) expect(randomBytes(count).length).toBe(count);
});

test("randomBytes: fills the last bytes of a long array", () => {
  expect(
    randomBytes(200_000)
      .subarray(-32)
      .some((byte) => byte !== 0),
  ).toBe(true);
});

test("systemRandom: gives different bytes each time, each in a buffer of its own", () => {
  const [first, second] = [systemRandom.bytes(32), systemRandom.bytes(32)];
  expect(first).not.toEqual(second);
  expect(first.buffer.byteLength).toBe(32);
});
