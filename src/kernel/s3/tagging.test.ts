import { expect, test } from "bun:test";
import { maxTags, parseTaggingHeader, type Tag, validateTags } from "./tagging.ts";

const makeTags = (count: number): Tag[] =>
  Array.from({ length: count }, (_, index) => ({ key: `k${index}`, value: "v" }));
const invalidTag = expect.objectContaining({ code: "InvalidTag", status: 400 });

test("parseTaggingHeader: a URL query", () => {
  expect(parseTaggingHeader("")).toEqual([]);
  expect(parseTaggingHeader("a=1&b=x+y%2Bz&c=&d")).toEqual([
    { key: "a", value: "1" },
    { key: "b", value: "x y+z" },
    { key: "c", value: "" },
    { key: "d", value: "" },
  ]);
  expect(parseTaggingHeader("%C3%A9=\xc3\xa9")).toEqual([{ key: "é", value: "é" }]);
});

test("parseTaggingHeader: malformed or duplicate is InvalidArgument", () => {
  for (const query of ["a=1&a=2", "a=%zz", "a=%ff", "a=1&", "&", "%=1"]) {
    expect(() => parseTaggingHeader(query)).toThrow(expect.objectContaining({ code: "InvalidArgument" }));
  }
});

test("parseTaggingHeader: tags of an object are validated", () => {
  expect(() => parseTaggingHeader("=v")).toThrow(invalidTag);
  expect(() =>
    parseTaggingHeader(
      makeTags(11)
        .map((tag) => `${tag.key}=v`)
        .join("&"),
    ),
  ).toThrow(invalidTag);
});

test("validateTags: 10 tags for objects, 50 for buckets", () => {
  for (const carrier of ["object", "bucket"] as const) {
    expect(() => validateTags(makeTags(maxTags[carrier]), carrier)).not.toThrow();
    expect(() => validateTags(makeTags(maxTags[carrier] + 1), carrier)).toThrow(invalidTag);
  }
});

test("validateTags: lengths, characters, system tags, uniqueness", () => {
  expect(() => validateTags([{ key: "k".repeat(128), value: "v".repeat(256) }], "object")).not.toThrow();
  expect(() => validateTags([{ key: "é 1_.:/=+-@", value: "" }], "object")).not.toThrow();
  const bad: Tag[] = [
    { key: "", value: "v" },
    { key: "k".repeat(129), value: "v" },
    { key: "k", value: "v".repeat(257) },
    { key: "k!", value: "v" },
    { key: "k", value: "a\nb" },
    { key: "aws:k", value: "v" },
  ];
  for (const tag of bad) {
    expect(() => validateTags([tag], "object")).toThrow(
      expect.objectContaining({ code: "InvalidTag", fields: { TagKey: tag.key, TagValue: tag.value } }),
    );
  }
  expect(() => validateTags([...makeTags(1), ...makeTags(1)], "bucket")).toThrow(invalidTag);
});
