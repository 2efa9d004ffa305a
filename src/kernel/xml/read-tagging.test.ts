import { expect, test } from "bun:test";
import { readTagging } from "./read-tagging.ts";

const encode = (document: string) => new TextEncoder().encode(document);
const wrap = (tags: string) =>
  encode(`<Tagging xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><TagSet>${tags}</TagSet></Tagging>`);
const tag = (key: string, value: string) => `<Tag><Key>${key}</Key><Value>${value}</Value></Tag>`;

test("readTagging: tags in order, none at all", () => {
  expect(readTagging(wrap(tag("b", "1") + tag("a", "x y")), "object")).toEqual([
    { key: "b", value: "1" },
    { key: "a", value: "x y" },
  ]);
  expect(readTagging(wrap(""), "object")).toEqual([]);
});

test("readTagging: missing parts are MalformedXML", () => {
  const documents = [
    encode(""),
    encode("<Tagging/>"),
    encode("<Tags/>"),
    wrap("<Tag><Key>a</Key></Tag>"),
    wrap("<Tag><Value>a</Value></Tag>"),
  ];
  for (const bytes of documents) {
    expect(() => readTagging(bytes, "object")).toThrow(expect.objectContaining({ code: "MalformedXML" }));
  }
});

test("readTagging: count depends on the carrier, duplicates are InvalidTag", () => {
  const eleven = wrap(Array.from({ length: 11 }, (_, index) => tag(`k${index}`, "v")).join(""));
  const invalidTag = expect.objectContaining({ code: "InvalidTag" });
  expect(readTagging(eleven, "bucket")).toHaveLength(11);
  expect(() => readTagging(eleven, "object")).toThrow(invalidTag);
  expect(() => readTagging(wrap(tag("a", "1") + tag("a", "2")), "object")).toThrow(invalidTag);
});
