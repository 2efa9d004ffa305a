import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { createXXHash128 } from "hash-wasm";

/** A checksum algorithm of S3 with a digest computed apart from the server. */
export interface ChecksumCase {
  /** As in `x-amz-checksum-algorithm`. */
  readonly name: string;
  /** Header and trailer name. */
  readonly header: string;
  /** Base64 of the digest. */
  readonly digest: (body: Uint8Array) => string;
}

/** The algorithms a test can compute. Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html */
export const checksumCases: readonly ChecksumCase[] = [
  { name: "CRC32", header: "x-amz-checksum-crc32", digest: (body) => base64Of(BigInt(crc32(body)), 4) },
  { name: "CRC32C", header: "x-amz-checksum-crc32c", digest: (body) => base64Of(BigInt(crc32c(body)), 4) },
  { name: "CRC64NVME", header: "x-amz-checksum-crc64nvme", digest: (body) => base64Of(crc64Nvme(body), 8) },
  { name: "SHA1", header: "x-amz-checksum-sha1", digest: (body) => hashOf("sha1", body) },
  { name: "SHA256", header: "x-amz-checksum-sha256", digest: (body) => hashOf("sha256", body) },
  { name: "SHA512", header: "x-amz-checksum-sha512", digest: (body) => hashOf("sha512", body) },
  { name: "MD5", header: "x-amz-checksum-md5", digest: (body) => hashOf("md5", body) },
  {
    name: "XXHASH64",
    header: "x-amz-checksum-xxhash64",
    digest: (body) => base64Of(BigInt(Bun.hash.xxHash64(body)), 8),
  },
  { name: "XXHASH3", header: "x-amz-checksum-xxhash3", digest: (body) => base64Of(BigInt(Bun.hash.xxHash3(body)), 8) },
  { name: "XXHASH128", header: "x-amz-checksum-xxhash128", digest: xxHash128 },
];

const hash128 = await createXXHash128(0, 0);
const table32c = makeTable(0x82f63b78n);
const table64 = makeTable(0x9a6c9329ac4bc9b5n);

/** CRC-64/NVME: reflected polynomial 0x9a6c9329ac4bc9b5, all ones before and after. Slow; for bodies up to some MiB. */
export function crc64Nvme(body: Uint8Array): bigint {
  let high = 0xffffffff;
  let low = 0xffffffff;
  for (const byte of body) {
    const index = (low ^ byte) & 0xff;
    const shiftedLow = ((low >>> 8) | (high << 24)) >>> 0;
    const shiftedHigh = high >>> 8;
    low = (shiftedLow ^ (table64.low[index] ?? 0)) >>> 0;
    high = (shiftedHigh ^ (table64.high[index] ?? 0)) >>> 0;
  }
  return (BigInt(~high >>> 0) << 32n) | BigInt(~low >>> 0);
}

/** CRC-32C (Castagnoli), as an unsigned 32-bit number. */
export function crc32c(body: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of body) crc = (crc >>> 8) ^ (table32c.low[(crc ^ byte) & 0xff] ?? 0);
  return ~crc >>> 0;
}

function makeTable(polynomial: bigint): { readonly high: Uint32Array; readonly low: Uint32Array } {
  const high = new Uint32Array(256);
  const low = new Uint32Array(256);
  for (let index = 0; index < 256; index++) {
    let value = BigInt(index);
    for (let bit = 0; bit < 8; bit++) value = (value & 1n) === 1n ? (value >> 1n) ^ polynomial : value >> 1n;
    high[index] = Number(value >> 32n);
    low[index] = Number(value & 0xffffffffn);
  }
  return { high, low };
}

function xxHash128(body: Uint8Array): string {
  return Buffer.from(hash128.init().update(body).digest("hex"), "hex").toString("base64");
}

function hashOf(algorithm: string, body: Uint8Array): string {
  return createHash(algorithm).update(body).digest("base64");
}

function base64Of(value: bigint, sizeBytes: number): string {
  return Buffer.from(value.toString(16).padStart(sizeBytes * 2, "0"), "hex").toString("base64");
}
