/** Form of the record's header; readers keep unknown fields. */
export const recordVersion = 1;

const crcTable = makeCrc32cTable();

/**
 * The commit record: all another machine needs to make the same row. Length of the header (4 bytes, little endian), JSON
 * header, CRC32C of the header (4 bytes, little endian). Inline bytes stay in `detail` and are named by id.
 * @param header plain JSON; `recordVersion` is added
 */
export function encodeCommitRecord(header: Readonly<Record<string, unknown>>): Uint8Array {
  const text = JSON.stringify({ recordVersion, ...header });
  const length = Buffer.byteLength(text);
  const record = Buffer.allocUnsafe(length + 8);
  record.writeUInt32LE(length, 0);
  record.write(text, 4);
  record.writeUInt32LE(crc32c(record.subarray(4, 4 + length)), 4 + length);
  return record;
}

/** @throws Error when length or CRC do not fit. */
export function decodeCommitRecord(record: Uint8Array): Record<string, unknown> {
  const bytes = Buffer.from(record.buffer, record.byteOffset, record.byteLength);
  const length = bytes.length >= 8 ? bytes.readUInt32LE(0) : Number.NaN;
  if (length !== bytes.length - 8) throw new Error("Commit record has a wrong length");
  if (bytes.readUInt32LE(4 + length) !== crc32c(bytes.subarray(4, 4 + length)))
    throw new Error("Commit record has a wrong CRC");
  return JSON.parse(bytes.toString("utf8", 4, 4 + length));
}

function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) crc = (crcTable[(crc ^ (bytes[i] ?? 0)) & 255] ?? 0) ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

/** Source: RFC 3720, appendix B.4 (polynomial 0x1EDC6F41, reflected). */
function makeCrc32cTable(): Uint32Array {
  const table = new Uint32Array(256);
  for (let i = 0; i < 256; i++) {
    let crc = i;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    table[i] = crc >>> 0;
  }
  return table;
}
