import { expect, test } from "bun:test";
import { collectUserMetadata, maxUserMetadataBytes } from "./user-metadata.ts";

test("collectUserMetadata: lower-case names without prefix, other headers left out", () => {
  const raw = [
    "Host",
    "h",
    "X-Amz-Meta-Color",
    "Red",
    "x-amz-meta-b",
    "",
    "x-amz-metadata-directive",
    "COPY",
    "Authorization",
    "s",
  ];
  expect(collectUserMetadata(raw)).toEqual([
    ["color", "Red"],
    ["b", ""],
  ]);
  expect(collectUserMetadata(["Host", "h"])).toEqual([]);
});

test("collectUserMetadata: repeated names join with a comma, in any case", () => {
  expect(collectUserMetadata(["x-amz-meta-a", "1", "x-amz-meta-b", "2", "X-AMZ-META-A", "3"])).toEqual([
    ["a", "1,3"],
    ["b", "2"],
  ]);
});

test("collectUserMetadata: bytes stay as they came, hostile names are data", () => {
  const utf8AsLatin1 = Buffer.from("é中").toString("latin1");
  expect(collectUserMetadata(["x-amz-meta-__proto__", utf8AsLatin1])).toEqual([["__proto__", utf8AsLatin1]]);
  expect(collectUserMetadata(["x-amz-meta-q", "=?UTF-8?B?w6k=?="])).toEqual([["q", "=?UTF-8?B?w6k=?="]]);
});

test("collectUserMetadata: names and values together stay within 2 KiB", () => {
  expect(collectUserMetadata(["x-amz-meta-ab", "v".repeat(maxUserMetadataBytes - 2)])).toHaveLength(1);
  expect(() => collectUserMetadata(["x-amz-meta-ab", "v".repeat(1000), "x-amz-meta-cd", "\xe9".repeat(1045)])).toThrow(
    expect.objectContaining({ code: "MetadataTooLarge", fields: { Size: 2049, MaxSizeAllowed: 2048 } }),
  );
});
