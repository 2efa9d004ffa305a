import {
  type BlobKeys,
  countSegments,
  deriveBlobKeys,
  findBrokenSegment,
  openCounterStream,
  segmentBytes,
  tagBytes,
} from "../../crypto/blob-cipher.ts";
import { DamagedBytesError } from "../../crypto/inline-body.ts";
import type { Disk, DiskFile } from "../disk.ts";
import { type BlobFooter, parseFooter, parseTrailer, trailerBytes } from "./footer.ts";

/** Segments read at once: 4 MiB. */
const batchSegments = 64;

/** What a blob must be. */
export interface ExpectedBlob {
  readonly blobId: string;
  /** Bytes of plaintext, as the catalog has them. */
  readonly sizeBytes: number;
  /** The object's data key, 32 bytes; undefined when it is the client's: then tags cannot be verified. */
  readonly dataKey: Uint8Array | undefined;
  /** False: only the first segment is read and verified, which proves that the key is the blob's. */
  readonly readsAll: boolean;
  /** Gets the verified plaintext, in pieces that are valid during the call; needs the data key. */
  readonly onPlaintext?: (bytes: Uint8Array) => void;
}

/**
 * Reads a whole blob file: length of the file, footer, and every segment against its tag.
 * @throws DamagedBytesError with what is wrong; the error of the file system when the file cannot be read
 */
export async function verifyBlob(disk: Disk, path: string, expected: ExpectedBlob): Promise<BlobFooter> {
  const fileBytes = await disk.sizeOf(path);
  const file = await disk.openToRead(path);
  try {
    const footer = await readFooterOf(file, fileBytes, expected);
    if (expected.dataKey) await verifySegments(file, expected, deriveBlobKeys(expected.dataKey, expected.blobId));
    return footer;
  } finally {
    await file.close();
  }
}

/** The footer of a file that was written to its end; undefined for one that was not. */
export async function findFooter(disk: Disk, path: string): Promise<BlobFooter | undefined> {
  const fileBytes = await disk.sizeOf(path);
  const file = await disk.openToRead(path);
  try {
    return (await loadFooter(file, fileBytes)).footer;
  } catch (error) {
    if (error instanceof DamagedBytesError) return undefined;
    throw error;
  } finally {
    await file.close();
  }
}

async function readFooterOf(file: DiskFile, fileBytes: number, expected: ExpectedBlob): Promise<BlobFooter> {
  const { footer, jsonBytes } = await loadFooter(file, fileBytes);
  const { blobId, sizeBytes } = expected;
  if (footer.blobId !== blobId) throw new DamagedBytesError("it is another blob");
  if (footer.sizeBytes !== sizeBytes)
    throw new DamagedBytesError(`it holds ${footer.sizeBytes} bytes, the catalog says ${sizeBytes}`);
  if (footer.segmentBytes !== segmentBytes)
    throw new DamagedBytesError(`its segments have ${footer.segmentBytes} bytes`);
  const wanted = sizeBytes + countSegments(sizeBytes) * tagBytes + jsonBytes + trailerBytes;
  if (fileBytes !== wanted) throw new DamagedBytesError(`its file has ${fileBytes} bytes, wanted ${wanted}`);
  return footer;
}

async function loadFooter(file: DiskFile, fileBytes: number): Promise<{ footer: BlobFooter; jsonBytes: number }> {
  const trailer = await readExactly(file, fileBytes - trailerBytes, trailerBytes);
  const { jsonBytes, crc } = parseTrailer(trailer);
  const json = await readExactly(file, fileBytes - trailerBytes - jsonBytes, jsonBytes);
  return { footer: parseFooter(json, crc), jsonBytes };
}

async function verifySegments(file: DiskFile, expected: ExpectedBlob, keys: BlobKeys): Promise<void> {
  const { sizeBytes, onPlaintext, readsAll } = expected;
  const end = readsAll ? countSegments(sizeBytes) : 1;
  const stream = openCounterStream(keys.encryption, 0);
  for (let first = 0; first < end; first += batchSegments) {
    const count = Math.min(batchSegments, end - first);
    const start = first * segmentBytes;
    const ciphertext = await readExactly(file, start, Math.min(sizeBytes - start, count * segmentBytes));
    const tags = await readExactly(file, sizeBytes + first * tagBytes, count * tagBytes);
    const run = { ciphertext, firstSegment: first, sizeBytes, tags, tagsOffset: 0 };
    const broken = findBrokenSegment(keys.authentication, run);
    if (broken !== undefined) throw new DamagedBytesError(`segment ${broken} does not authenticate`);
    if (onPlaintext && ciphertext.length > 0) onPlaintext(stream.update(ciphertext));
  }
}

async function readExactly(file: DiskFile, position: number, length: number): Promise<Uint8Array> {
  const target = Buffer.allocUnsafe(length);
  if (position < 0 || (await file.read(target, position)) !== length)
    throw new DamagedBytesError("its file is cut off");
  return target;
}
