import { expect, test } from "bun:test";
import fc from "fast-check";
import { matchesETag, parseETagList, quoteETag, unquoteETag } from "./etag.ts";

test("quoteETag: adds quotes", () => {
  expect(quoteETag("abc-2")).toBe('"abc-2"');
});

test("unquoteETag: takes off W/ and quotes, either may be missing", () => {
  for (const text of ["abc", '"abc"', 'W/"abc"', "W/abc", '"abc', 'abc"']) expect(unquoteETag(text)).toBe("abc");
  expect(unquoteETag('"')).toBe("");
  expect(unquoteETag('""')).toBe("");
});

test("parseETagList: star, weak tags, missing quotes, lists", () => {
  expect(parseETagList("*")).toEqual({ any: true });
  expect(parseETagList('"a", *')).toEqual({ any: true });
  expect(parseETagList('"*"')).toEqual({ any: false, etags: ["*"] });
  expect(parseETagList('"a"')).toEqual({ any: false, etags: ["a"] });
  expect(parseETagList("a")).toEqual({ any: false, etags: ["a"] });
  expect(parseETagList('W/"a" , b,"c,d"')).toEqual({ any: false, etags: ["a", "b", "c,d"] });
  expect(parseETagList('"a')).toEqual({ any: false, etags: ["a"] });
});

test("parseETagList: nothing named matches nothing", () => {
  for (const header of ["", " ", ",", " , ,"]) {
    expect(parseETagList(header)).toEqual({ any: false, etags: [] });
    expect(matchesETag(parseETagList(header), "a")).toBe(false);
  }
});

test("parseETagList: finds every tag of a well-formed list", () => {
  const etag = fc.string({ unit: fc.constantFrom("a", "1", "-", ",", " ", "*"), maxLength: 5 });
  fc.assert(
    fc.property(fc.array(fc.tuple(etag, fc.boolean())), (items) => {
      const header = items.map(([tag, weak]) => `${weak ? "W/" : ""}"${tag}"`).join(", ");
      expect(parseETagList(header)).toEqual({ any: false, etags: items.map(([tag]) => tag) });
    }),
    { seed: 20260102 },
  );
});
