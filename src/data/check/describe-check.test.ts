import { expect, test } from "bun:test";
import { emptyCounts } from "./check-counts.ts";
import type { CheckResult } from "./check-data-folder.ts";
import { checkExitCode, describeCheck } from "./describe-check.ts";

const sound: CheckResult = { ...emptyCounts(), buckets: 2, problems: 0, affectedBuckets: [] };
const none = { damage: [], unavailable: [] };
const corrupt = { ...sound, corrupt: 1, problems: 1, affectedBuckets: ["photos (b1)"] };

test("checkExitCode: 0 sound, 1 problems, 2 not checked; problems come first", () => {
  expect(checkExitCode({ ...sound, orphaned: 3, unverifiable: 2 }, none)).toBe(0);
  expect(checkExitCode(corrupt, none)).toBe(1);
  expect(checkExitCode({ ...corrupt, unreadable: 1 }, none)).toBe(1);
  expect(checkExitCode(sound, { ...none, damage: ["control.db is missing"] })).toBe(1);
  expect(checkExitCode({ ...sound, unreadable: 1 }, none)).toBe(2);
  expect(checkExitCode(sound, { ...none, unavailable: ["The keys: x"] })).toBe(2);
});

test("describeCheck: says what is affected and what to do, and nothing of what is not", () => {
  expect(describeCheck(sound, none)).toBe("Summary: 2 buckets, 0 objects, 0 versions, 0 bytes\nNo problem found");
  const text = describeCheck(corrupt, none);
  expect(text).toContain("1 problems found\nAffected buckets: photos (b1)\n");
  expect(text).toContain("Restore it from a backup");
  expect(text).not.toContain("Unreadable");
  expect(describeCheck({ ...sound, unreadable: 1 }, none)).toContain("as the user that owns the data folder");
  expect(describeCheck(sound, { ...none, damage: ["x"] })).toContain("restore control.db");
});

test("describeCheck: many affected buckets are cut short", () => {
  const affectedBuckets = Array.from({ length: 25 }, (_, index) => `b${index}`);
  expect(describeCheck({ ...corrupt, affectedBuckets }, none)).toContain("b19 and 5 more\n");
});
