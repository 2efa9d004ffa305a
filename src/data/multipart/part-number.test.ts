import { expect, test } from "bun:test";
import { parsePartNumber } from "./part-number.ts";

test("parsePartNumber: 1 to 10,000", () => {
  for (const number of [1, 2, 9999, 10_000]) expect(parsePartNumber(`${number}`)).toBe(number);
});

test("parsePartNumber: anything else is InvalidArgument", () => {
  for (const text of [
    "",
    "0",
    "10001",
    "-1",
    "+1",
    "01",
    "00001",
    "1 ",
    "1.0",
    "1e3",
    "0x1",
    " 1",
    "99999999999999999999",
  ]) {
    expect(() => parsePartNumber(text)).toThrow("Part number must be an integer between 1 and 10000, inclusive");
  }
});
