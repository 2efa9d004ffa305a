import { expect, test } from "bun:test";
import fc from "fast-check";
import { parseHttpDate, renderHttpDate, renderIsoDate } from "./http-date.ts";

const seed = 20260102;
const wholeSecondMs = fc.integer({ min: -59_000_000_000, max: 253_402_300_799 }).map((seconds) => seconds * 1000);

test("parseHttpDate: the three forms of HTTP and ISO 8601", () => {
  const expected = Date.UTC(1994, 10, 6, 8, 49, 37);
  const forms = [
    "Sun, 06 Nov 1994 08:49:37 GMT",
    "06 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 09:49:37 +0100",
    "Sunday, 06-Nov-94 08:49:37 GMT",
    "Sun Nov  6 08:49:37 1994",
    "1994-11-06T08:49:37Z",
    "1994-11-06T08:49:37.000Z",
    "1994-11-06T10:19:37+01:30",
    "1994-11-06T08:49:37",
    "19941106T084937Z",
  ];
  for (const form of forms) expect([form, parseHttpDate(form)]).toEqual([form, expected]);
  expect(parseHttpDate("1994-11-06")).toBe(Date.UTC(1994, 10, 6));
  expect(parseHttpDate("1994-11-06T08:49:37.6789Z")).toBe(expected + 678);
  expect(parseHttpDate("Friday, 02-Jan-26 03:04:05 GMT")).toBe(Date.UTC(2026, 0, 2, 3, 4, 5));
});

test("parseHttpDate: anything else is undefined", () => {
  const bad = [
    "",
    "now",
    "0",
    "1767323045",
    "Sun, 31 Feb 2026 00:00:00 GMT",
    "Sun, 06 Foo 1994 08:49:37 GMT",
    "2026-13-01T00:00:00Z",
    "2026-01-01T24:00:00Z",
    "2026-01-01T00:60:00Z",
    "2025-02-29T00:00:00Z",
    "0000-01-01T00:00:00Z",
    "2026-01-01T00:00:00+24:00",
    "2026-1-1",
    "Sun, 06 Nov 1994 08:49:37",
    "2026-01-00T00:00:00Z",
    " 2026-01-01T00:00:00Z",
    "2026-01-01T00:00:00Z\n",
  ];
  for (const text of bad) expect([text, parseHttpDate(text)]).toEqual([text, undefined]);
});

test("renderHttpDate: agrees with the platform and parses back", () => {
  fc.assert(
    fc.property(wholeSecondMs, (ms) => {
      expect(renderHttpDate(ms)).toBe(new Date(ms).toUTCString());
      expect(parseHttpDate(renderHttpDate(ms))).toBe(ms);
      expect(renderHttpDate(ms + 999)).toBe(renderHttpDate(ms));
    }),
    { seed, numRuns: 1000 },
  );
});

test("renderIsoDate: agrees with the platform, milliseconds as .000", () => {
  fc.assert(
    fc.property(wholeSecondMs, (ms) => {
      expect(renderIsoDate(ms)).toBe(new Date(ms).toISOString());
      expect(renderIsoDate(ms + 999)).toBe(renderIsoDate(ms));
    }),
    { seed, numRuns: 1000 },
  );
});

test("renderIsoDate: years without four digits are refused", () => {
  for (const ms of [Number.NaN, 253_402_300_800_000, -62_167_219_200_001]) {
    expect(() => renderIsoDate(ms)).toThrow(RangeError);
    expect(() => renderHttpDate(ms)).toThrow(RangeError);
  }
});
