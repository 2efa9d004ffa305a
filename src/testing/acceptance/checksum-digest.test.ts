import { expect, test } from "bun:test";
import { checksumCases, crc32c, crc64Nvme } from "./checksum-digest.ts";

const check = Buffer.from("123456789");

test("crc32c: the check value of the catalogue of CRCs", () => {
  expect(crc32c(check)).toBe(0xe3069283);
});

test("crc64Nvme: the check value of the catalogue of CRCs", () => {
  expect(crc64Nvme(check)).toBe(0xae8b14860a799888n);
});

test("checksumCases: CRC32 of hello is the value of AWS's trailer example", () => {
  expect(checksumCases.find(({ name }) => name === "CRC32")?.digest(Buffer.from("hello"))).toBe("NhCmhg==");
});

test("checksumCases: digests have the length of their algorithm", () => {
  const lengths = checksumCases.map(({ digest }) => Buffer.from(digest(check), "base64").length);
  expect(lengths).toEqual([4, 4, 8, 20, 32, 64, 16, 8, 8, 16]);
});
