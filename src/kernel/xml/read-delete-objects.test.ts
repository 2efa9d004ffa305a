import { expect, test } from "bun:test";
import { maxDeleteKeys, readDeleteObjects } from "./read-delete-objects.ts";
import { maxLargeXmlBytes } from "./xml-element.ts";

const malformed = expect.objectContaining({ code: "MalformedXML" });
const read = (content: string) => readDeleteObjects(new TextEncoder().encode(`<Delete>${content}</Delete>`));
const object = (content: string) => `<Object>${content}</Object>`;

test("readDeleteObjects: keys as they are, versions, quiet", () => {
  expect(
    read(
      object("<Key> a&#13;&#1; </Key>") +
        object("<Key>b</Key><VersionId>v</VersionId>") +
        object("<Key>b</Key><VersionId/>"),
    ),
  ).toEqual({
    objects: [
      { key: " a\r\x01 ", conditions: {} },
      { key: "b", versionId: "v", conditions: {} },
      { key: "b", versionId: "", conditions: {} },
    ],
    quiet: false,
  });
  expect(read(`<Quiet>true</Quiet>${object("<Key>a</Key>")}`).quiet).toBe(true);
});

test("readDeleteObjects: conditions per key", () => {
  const { objects } = read(
    object(
      '<Key>a</Key><ETag>"e"</ETag><LastModifiedTime>Fri, 02 Jan 2026 03:04:05 GMT</LastModifiedTime><Size>7</Size>',
    ) + object("<Key>b</Key><ETag>*</ETag>"),
  );
  expect(objects.map((each) => each.conditions)).toEqual([
    { ifMatch: { any: false, etags: ["e"] }, lastModifiedMs: Date.UTC(2026, 0, 2, 3, 4, 5), sizeBytes: 7 },
    { ifMatch: { any: true } },
  ]);
});

test("readDeleteObjects: 1,000 keys at most, one at least", () => {
  expect(read(object("<Key>a</Key>").repeat(maxDeleteKeys)).objects).toHaveLength(maxDeleteKeys);
  expect(() => read(object("<Key>a</Key>").repeat(maxDeleteKeys + 1))).toThrow(malformed);
  expect(() => read("")).toThrow(malformed);
});

test("readDeleteObjects: MalformedXML for missing or repeated parts and unreadable conditions", () => {
  for (const content of [
    "",
    "<Key/>",
    "<Key>a</Key><Key>b</Key>",
    "<Key><a/></Key>",
    "<Key>a</Key><Size>x</Size>",
    "<Key>a</Key><ETag/>",
    "<Key>a</Key><LastModifiedTime>x</LastModifiedTime>",
  ]) {
    expect(() => read(object(content))).toThrow(malformed);
  }
  expect(() => read(`${object("<Key>a</Key>")}<Quiet>maybe</Quiet>`)).toThrow(malformed);
});

test("readDeleteObjects: 8 MiB at most", () => {
  expect(() => readDeleteObjects(new Uint8Array(maxLargeXmlBytes + 1))).toThrow(
    expect.objectContaining({ code: "MaxMessageLengthExceeded" }),
  );
});
