import { crc32 } from "node:zlib";
import { segmentBytes } from "../../crypto/blob-cipher.ts";
import { DamagedBytesError } from "../../crypto/inline-body.ts";
import type { BlobFacts } from "../blobs.ts";

/** Form of the footer; a reader refuses a newer one. */
const footerVersion = 1;
/** The last bytes of every blob: length of the JSON (4), CRC-32 of it (4), magic (8), little endian. */
export const trailerBytes = 16;

const magic = "MXIOBLB1";
const maxFooterBytes = 65_536;

/** The footer as read back. */
export interface BlobFooter extends BlobFacts {
  readonly footerVersion: number;
  readonly blobId: string;
  readonly sizeBytes: number;
  readonly segmentBytes: number;
}

/** JSON of the footer and the trailer behind it. */
export function encodeFooter(blobId: string, sizeBytes: number, facts: BlobFacts): Uint8Array {
  const text = JSON.stringify({ footerVersion, blobId, sizeBytes, segmentBytes, ...facts } satisfies BlobFooter);
  const length = Buffer.byteLength(text);
  const footer = Buffer.allocUnsafe(length + trailerBytes);
  footer.write(text, 0);
  footer.writeUInt32LE(length, length);
  footer.writeUInt32LE(crc32(footer.subarray(0, length)), length + 4);
  footer.write(magic, length + 8, "latin1");
  return footer;
}

/**
 * Length of the JSON in front of a trailer.
 * @param trailer the file's last `trailerBytes`
 * @throws DamagedBytesError when it is no trailer
 */
export function parseTrailer(trailer: Uint8Array): { jsonBytes: number; crc: number } {
  const bytes = Buffer.from(trailer.buffer, trailer.byteOffset, trailer.byteLength);
  if (bytes.length !== trailerBytes || bytes.toString("latin1", 8) !== magic)
    throw new DamagedBytesError("Blob has no footer");
  const jsonBytes = bytes.readUInt32LE(0);
  if (jsonBytes > maxFooterBytes) throw new DamagedBytesError("Blob footer is too large");
  return { jsonBytes, crc: bytes.readUInt32LE(4) };
}

/** @throws DamagedBytesError when the CRC or the form does not fit. */
export function parseFooter(json: Uint8Array, crc: number): BlobFooter {
  if (crc32(json) !== crc) throw new DamagedBytesError("Blob footer has a wrong CRC");
  const footer = JSON.parse(Buffer.from(json).toString("utf8")) as BlobFooter;
  if (footer.footerVersion !== footerVersion)
    throw new DamagedBytesError(`Blob footer has form ${footer.footerVersion}`);
  return footer;
}
