import { expect, test } from "bun:test";
import { findNearestName } from "./nearest-name.ts";

test("findNearestName: the nearest wins; nothing near gives nothing", () => {
  expect(findNearestName("wrkers", ["data", "workers", "worker-count"])).toBe("workers");
  expect(findNearestName("workers", ["workers"])).toBe("workers");
  expect(findNearestName("zebra", ["data", "workers"])).toBeUndefined();
  expect(findNearestName("", [])).toBeUndefined();
});
