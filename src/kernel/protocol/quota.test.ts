import { expect, test } from "bun:test";
import { findExceeded } from "./quota.ts";

const usage = { bytes: 90, objects: 9 };

test("findExceeded: a bound may be reached, not passed", () => {
  const bound = { maxBytes: 100, maxObjects: 10 };
  expect(findExceeded(bound, usage, { bytes: 10, objects: 1 })).toBeUndefined();
  expect(findExceeded(bound, usage, { bytes: 11, objects: 1 })).toBe("bytes");
  expect(findExceeded(bound, usage, { bytes: 10, objects: 2 })).toBe("objects");
});

test("findExceeded: null and absent are unlimited, zero is zero", () => {
  const growth = { bytes: 2 ** 50, objects: 2 ** 40 };
  expect(findExceeded({}, usage, growth)).toBeUndefined();
  expect(findExceeded({ maxBytes: null, maxObjects: null }, usage, growth)).toBeUndefined();
  expect(findExceeded({ maxBytes: 0 }, { bytes: 0, objects: 0 }, { bytes: 1, objects: 1 })).toBe("bytes");
  expect(findExceeded({ maxObjects: 0 }, { bytes: 0, objects: 0 }, { bytes: 0, objects: 1 })).toBe("objects");
});

test("findExceeded: what adds nothing fits where there is too much already", () => {
  const bound = { maxBytes: 10, maxObjects: 1 };
  expect(findExceeded(bound, usage, { bytes: 0, objects: 0 })).toBeUndefined();
  expect(findExceeded(bound, usage, { bytes: -5, objects: -1 })).toBeUndefined();
  expect(findExceeded(bound, usage, { bytes: 1, objects: -1 })).toBe("bytes");
});
