import { expect, test } from "bun:test";
import { connectionShare } from "./server-limits.ts";

test("connectionShare: leaves files for everything else, whatever the limit; never above the engine's cap", () => {
  expect(connectionShare(150, 2)).toBe(43);
  expect(connectionShare(1024, 2)).toBe(384);
  expect(connectionShare(2 ** 20, 2)).toBe(16_384);
  expect(connectionShare(34, 2)).toBe(1);
});
