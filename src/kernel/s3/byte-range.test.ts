import { expect, test } from "bun:test";
import fc from "fast-check";
import { parseCopyRange, parseRange } from "./byte-range.ts";
import { S3Error } from "./s3-error.ts";

test("parseRange: first-last, open end and suffix", () => {
  expect(parseRange("bytes=0-4", 10)).toEqual({ start: 0, end: 5 });
  expect(parseRange("bytes=9-9", 10)).toEqual({ start: 9, end: 10 });
  expect(parseRange("bytes=4-", 10)).toEqual({ start: 4, end: 10 });
  expect(parseRange("bytes=-3", 10)).toEqual({ start: 7, end: 10 });
  expect(parseRange("Bytes=-3", 10)).toEqual({ start: 7, end: 10 });
});

test("parseRange: the end is clipped, a longer suffix gives all", () => {
  expect(parseRange("bytes=5-100", 10)).toEqual({ start: 5, end: 10 });
  expect(parseRange("bytes=5-99999999999999999999999", 10)).toEqual({ start: 5, end: 10 });
  expect(parseRange("bytes=-100", 10)).toEqual({ start: 0, end: 10 });
  expect(parseRange(`bytes=-${"9".repeat(400)}`, 10)).toEqual({ start: 0, end: 10 });
});

test("parseRange: malformed, inverted, several and other units are ignored", () => {
  const ignored = [
    undefined,
    "",
    "bytes",
    "bytes=",
    "bytes=-",
    "bytes=a-b",
    "bytes=5-4",
    "bytes=0-1,3-4",
    "items=0-1",
    "bytes=0-1 ",
    "bytes=0x1-2",
    "bytes=+1-2",
    "bytes=1.0-2",
    "bytes=--1",
    "bytes=0 - 1",
    "bytes=99999999999999999999-99999999999999999998",
  ];
  for (const header of ignored) {
    expect([header, parseRange(header, 10)]).toEqual([header, undefined]);
    expect(parseRange(header, 0)).toBeUndefined();
  }
});

test("parseRange: beyond the end, -0 and empty objects are InvalidRange", () => {
  const refused: [string, number][] = [
    ["bytes=10-", 10],
    ["bytes=10-12", 10],
    ["bytes=99999999999999999999-", 10],
    ["bytes=-0", 10],
    ["bytes=0-0", 0],
    ["bytes=0-", 0],
    ["bytes=-5", 0],
  ];
  for (const [RangeRequested, ActualObjectSize] of refused) {
    expect(() => parseRange(RangeRequested, ActualObjectSize)).toThrow(
      expect.objectContaining({ code: "InvalidRange", status: 416, fields: { RangeRequested, ActualObjectSize } }),
    );
  }
});

test("parseRange: a range lies inside the object, whatever the header", () => {
  const bound = fc.oneof(fc.constant(""), fc.nat(40).map(String), fc.bigInt({ min: 0n, max: 1n << 80n }).map(String));
  const header = fc.oneof(
    fc.tuple(bound, bound).map(([first, last]) => `bytes=${first}-${last}`),
    fc.string({ unit: fc.constantFrom("bytes=", "1", "0", "-", ",", " ") }),
  );
  fc.assert(
    fc.property(header, fc.nat(30), (text, sizeBytes) => {
      try {
        const range = parseRange(text, sizeBytes);
        if (range === undefined) return;
        expect(range.start).toBeGreaterThanOrEqual(0);
        expect(range.end).toBeGreaterThan(range.start);
        expect(range.end).toBeLessThanOrEqual(sizeBytes);
      } catch (error) {
        expect(error).toMatchObject({ code: "InvalidRange" });
      }
    }),
    { seed: 20260102, numRuns: 2000 },
  );
});

test("parseCopyRange: both ends inside the source", () => {
  expect(parseCopyRange("bytes=0-9", 10)).toEqual({ start: 0, end: 10 });
  expect(parseCopyRange("bytes=5-5", 10)).toEqual({ start: 5, end: 6 });
});

test("parseCopyRange: all else is InvalidArgument", () => {
  for (const text of [
    "bytes=0-10",
    "bytes=10-10",
    "bytes=5-4",
    "bytes=5-",
    "bytes=-5",
    "0-5",
    "bytes=0-1,2-3",
    "",
    "bytes=0-99999999999999999999",
  ]) {
    expect(() => parseCopyRange(text, 10)).toThrow(S3Error);
    expect(() => parseCopyRange(text, 10)).toThrow(
      expect.objectContaining({
        code: "InvalidArgument",
        fields: { ArgumentName: "x-amz-copy-source-range", ArgumentValue: text },
      }),
    );
  }
});
