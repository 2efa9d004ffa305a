import { expect, test } from "bun:test";
import { readCreateBucket } from "./read-create-bucket.ts";

const read = (content: string) =>
  readCreateBucket(new TextEncoder().encode(`<CreateBucketConfiguration>${content}</CreateBucketConfiguration>`));

test("readCreateBucket: no body, no content, empty location", () => {
  expect(readCreateBucket(new Uint8Array())).toEqual({ tags: [] });
  expect(read("")).toEqual({ tags: [] });
  expect(read("<LocationConstraint/><Unknown/>")).toEqual({ tags: [] });
});

test("readCreateBucket: location and tags", () => {
  expect(
    read("<LocationConstraint>EU</LocationConstraint><Tags><Tag><Key>k</Key><Value>v</Value></Tag></Tags>"),
  ).toEqual({
    locationConstraint: "EU",
    tags: [{ key: "k", value: "v" }],
  });
});

test("readCreateBucket: refusals by code", () => {
  const table: [content: string, code: string][] = [
    [`<LocationConstraint>${"a".repeat(33)}</LocationConstraint>`, "InvalidLocationConstraint"],
    ["<LocationConstraint>a b</LocationConstraint>", "InvalidLocationConstraint"],
    ["<LocationConstraint>a</LocationConstraint><LocationConstraint>b</LocationConstraint>", "MalformedXML"],
    ["<Tags><Tag><Key>k</Key></Tag></Tags>", "MalformedXML"],
    ["<Tags><Tag><Key>aws:k</Key><Value>v</Value></Tag></Tags>", "InvalidTag"],
    ["<Bucket><Type>Directory</Type></Bucket>", "NotImplemented"],
  ];
  for (const [content, code] of table) expect(() => read(content)).toThrow(expect.objectContaining({ code }));
  expect(() => readCreateBucket(new TextEncoder().encode("<Other/>"))).toThrow(
    expect.objectContaining({ code: "MalformedXML" }),
  );
});
