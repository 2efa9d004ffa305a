import { expect, test } from "bun:test";
import { versionFlag } from "#kernel/protocol/mutation.ts";
import { escapeXml } from "#kernel/xml/write-xml.ts";
import { encodeFlags, type UploadMeta } from "../object-meta.ts";
import { renderCommonPrefixes, renderContents, renderOwner, renderUploads, renderVersions } from "./render-entries.ts";

const owner = renderOwner("Owner", { id: "canonical", displayName: "A & B" });
const style = { renderKey: escapeXml, owner };
const hlc = Date.UTC(2026, 0, 2, 3, 4, 5, 678) * 1024 + 9;
const crc = encodeFlags({ algorithm: "CRC64NVME", type: "FULL_OBJECT", value: "" }, "STANDARD") | versionFlag.latest;
const composite = encodeFlags({ algorithm: "SHA256", type: "COMPOSITE", value: "" }, "GLACIER_IR") | versionFlag.latest;

test("renderContents: key escaped, whole second, quoted ETag, checksum facts, storage class, owner if wanted", () => {
  expect(renderContents([["a<b", hlc, crc, 5, "0123"]], { renderKey: escapeXml, owner: "" })).toBe(
    "<Contents><Key>a&lt;b</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified><ETag>&quot;0123&quot;</ETag>" +
      "<ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType><Size>5</Size><StorageClass>STANDARD</StorageClass></Contents>",
  );
  expect(renderContents([["k", hlc, crc, 5, "0123"]], style)).toContain(
    "<Owner><ID>canonical</ID><DisplayName>A &amp; B</DisplayName></Owner>",
  );
});

test("renderContents: neighbours with other flags and other seconds keep their own texts", () => {
  const text = renderContents(
    [
      ["a", hlc, crc, 1, "e"],
      ["b", hlc + 1_024_000, composite, 2, "e-2"],
      ["c", hlc, versionFlag.latest, 3, "e"],
      ["d", hlc, crc, 4, "e"],
    ],
    { renderKey: escapeXml, owner: "" },
  );
  expect([...text.matchAll(/<LastModified>([^<]*)</g)].map((match) => match[1]?.slice(17, 19))).toEqual([
    "05",
    "06",
    "05",
    "05",
  ]);
  expect([...text.matchAll(/<ChecksumAlgorithm>([^<]*)</g)].map((match) => match[1])).toEqual([
    "CRC64NVME",
    "SHA256",
    "CRC64NVME",
  ]);
  expect([...text.matchAll(/<StorageClass>([^<]*)</g)].map((match) => match[1])).toEqual([
    "STANDARD",
    "GLACIER_IR",
    "STANDARD",
    "STANDARD",
  ]);
  expect(text).toContain("<ChecksumType>COMPOSITE</ChecksumType>");
});

test("renderVersions: versions and markers interleaved, `null` for versions without id, markers without size", () => {
  const text = renderVersions(
    [
      ["k", hlc, versionFlag.latest | versionFlag.marker, 0, "", "V3"],
      ["k", hlc - 1, crc & ~versionFlag.latest, 9, "e", null],
    ],
    style,
  );
  expect(text).toMatch(/^<DeleteMarker>.*<\/DeleteMarker><Version>.*<\/Version>$/);
  expect([...text.matchAll(/<VersionId>([^<]*)<.*?<IsLatest>([^<]*)</g)].map((match) => [match[1], match[2]])).toEqual([
    ["V3", "true"],
    ["null", "false"],
  ]);
  expect(text.match(/<Size>/g)?.length).toBe(1);
  expect(text.match(/<Owner>/g)?.length).toBe(2);
});

test("renderUploads: initiator, owner, storage class and checksum facts of the upload", () => {
  const meta: UploadMeta = {
    headers: {},
    user: [],
    storageClass: "STANDARD_IA",
    key: { version: 1, sealed: "" },
    attributes: null,
    checksumAlgorithm: "CRC32",
    checksumType: "COMPOSITE",
    initiator: { id: "arn", displayName: "who" },
  };
  const plain = { ...meta, checksumAlgorithm: null, checksumType: null };
  const text = renderUploads([["k", "U1", hlc, JSON.stringify(meta)]], style);
  expect(text).toBe(
    `<Upload><Key>k</Key><UploadId>U1</UploadId><Initiator><ID>arn</ID><DisplayName>who</DisplayName></Initiator>${owner}<StorageClass>STANDARD_IA</StorageClass>` +
      "<Initiated>2026-01-02T03:04:05.000Z</Initiated><ChecksumAlgorithm>CRC32</ChecksumAlgorithm><ChecksumType>COMPOSITE</ChecksumType></Upload>",
  );
  expect(renderUploads([["k", "U1", hlc, JSON.stringify(plain)]], style)).not.toContain("Checksum");
});

test("renderCommonPrefixes: one element each, in order, escaped", () => {
  expect(renderCommonPrefixes(["a/", "&/"], style)).toBe(
    "<CommonPrefixes><Prefix>a/</Prefix></CommonPrefixes><CommonPrefixes><Prefix>&amp;/</Prefix></CommonPrefixes>",
  );
});
