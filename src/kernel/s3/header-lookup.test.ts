import { expect, test } from "bun:test";
import { readHeader } from "./header-lookup.ts";

test("readHeader: absent, single and repeated headers", () => {
  const headers = { "if-match": '"a"', "x-list": ["a", "b"] };
  expect(readHeader(headers, "if-none-match")).toBeUndefined();
  expect(readHeader(headers, "if-match")).toBe('"a"');
  expect(readHeader(headers, "x-list")).toBe("a,b");
});
