import { expect, test } from "bun:test";
import { readCompleteMultipartUpload } from "./read-complete-multipart-upload.ts";

const encode = (content: string) =>
  new TextEncoder().encode(`<CompleteMultipartUpload>${content}</CompleteMultipartUpload>`);
const read = (content: string) => readCompleteMultipartUpload(encode(content), "upload");
const part = (number: number | string, more = '<ETag>"e"</ETag>') =>
  `<Part><PartNumber>${number}</PartNumber>${more}</Part>`;

test("readCompleteMultipartUpload: ETags with or without quotes, one checksum", () => {
  expect(
    read(
      part(1) +
        part(3, "<ETag>&quot;f&quot;</ETag>") +
        part(10_000, "<ETag>g</ETag><ChecksumCRC32C>AAAAAA==</ChecksumCRC32C>"),
    ),
  ).toEqual([
    { partNumber: 1, etag: "e" },
    { partNumber: 3, etag: "f" },
    { partNumber: 10_000, etag: "g", checksum: { algorithm: "CRC32C", base64: "AAAAAA==" } },
  ]);
});

test("readCompleteMultipartUpload: unknown elements and empty checksums are ignored", () => {
  expect(read(`<X/>${part(1, "<ETag>e</ETag><Size>1</Size><ChecksumSHA1/>")}`)).toEqual([{ partNumber: 1, etag: "e" }]);
});

test("readCompleteMultipartUpload: refusals by code", () => {
  const both = "<ETag>e</ETag><ChecksumCRC32>a</ChecksumCRC32><ChecksumSHA1>b</ChecksumSHA1>";
  const table: [content: string, code: string][] = [
    ["", "InvalidRequest"],
    [part(2) + part(1), "InvalidPartOrder"],
    [part(1) + part(1), "InvalidPartOrder"],
    [part(0), "InvalidArgument"],
    [part(10_001), "InvalidArgument"],
    [part(-1), "InvalidArgument"],
    [part("1.5"), "MalformedXML"],
    [part(""), "MalformedXML"],
    [part(1, ""), "MalformedXML"],
    [part(1, '<ETag>""</ETag>'), "MalformedXML"],
    [part(1, "<ETag>e</ETag><ETag>f</ETag>"), "MalformedXML"],
    ["<Part><ETag>e</ETag></Part>", "MalformedXML"],
    [part(1, both), "InvalidRequest"],
  ];
  for (const [content, code] of table) expect(() => read(content)).toThrow(expect.objectContaining({ code }));
  expect(() => readCompleteMultipartUpload(new Uint8Array(), "upload")).toThrow(
    expect.objectContaining({ code: "MalformedXML" }),
  );
  expect(() => read(part(2) + part(1))).toThrow(expect.objectContaining({ fields: { UploadId: "upload" } }));
});

test("readCompleteMultipartUpload: reads 10,000 parts", () => {
  const etag = "0123456789abcdef".repeat(2);
  const more = `<ETag>&quot;${etag}&quot;</ETag>\n    <ChecksumSHA256>${"A".repeat(43)}=</ChecksumSHA256>\n  `;
  const bytes = encode(Array.from({ length: 10_000 }, (_, index) => `\n  ${part(index + 1, more)}`).join(""));
  expect(bytes.length).toBeGreaterThan(1_500_000);
  expect(readCompleteMultipartUpload(bytes, "upload")).toHaveLength(10_000);
});
