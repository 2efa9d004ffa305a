import {
  deriveBlobKeys,
  findBrokenSegment,
  openCounterStream,
  segmentBytes,
  tagBytes,
} from "../../crypto/blob-cipher.ts";
import { DamagedBytesError } from "../../crypto/inline-body.ts";
import type { BlobRead } from "../blobs.ts";
import { type BufferPool, bufferBytes } from "../buffer-pool.ts";
import type { Disk, DiskFile } from "../disk.ts";
import { noteTransferred } from "../transfer-garbage.ts";
import { blobPath } from "./blob-path.ts";

/** Tags read at once: those of 256 MiB, 64 KiB. */
const tagWindowSegments = 4_096;
const segmentsPerBuffer = bufferBytes / segmentBytes;

/** Verified plaintext of a range: whole segments are read and verified, the range is cut out of them. */
export async function* readBlob(
  options: { disk: Disk; pool: BufferPool; dataDir: string },
  request: BlobRead,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (request.start >= request.end) return;
  const file = await openBlob(options, request);
  const lease: Lease = { pool: options.pool, buffer: await options.pool.acquire() };
  try {
    yield* decryptRange(file, lease, request);
  } finally {
    options.pool.release(lease.buffer);
    await file.close();
  }
}

/** A blob alone that is gone concerns one object; that its bucket is gone is found where its catalog is read. */
async function openBlob(options: { disk: Disk; dataDir: string }, { bucketId, blobId }: BlobRead): Promise<DiskFile> {
  try {
    return await options.disk.openToRead(blobPath(options.dataDir, bucketId, blobId));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT")
      throw new DamagedBytesError(`Blob ${blobId} is missing`);
    throw error;
  }
}

/** The buffer a read has now. Between two pieces, when the first was taken by the socket, others may have it. */
interface Lease {
  readonly pool: BufferPool;
  buffer: Uint8Array;
}

async function* decryptRange(
  file: DiskFile,
  lease: Lease,
  request: BlobRead,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { sizeBytes, start, end } = request;
  const keys = deriveBlobKeys(request.dataKey, request.blobId);
  const firstSegment = Math.floor(start / segmentBytes);
  const endSegment = Math.ceil(end / segmentBytes);
  const stream = openCounterStream(keys.encryption, firstSegment * segmentBytes);
  const tags = new TagWindow(file, sizeBytes, endSegment);
  for (let segment = firstSegment; segment < endSegment; segment += segmentsPerBuffer) {
    const count = Math.min(segmentsPerBuffer, endSegment - segment);
    const position = segment * segmentBytes;
    const length = Math.min(count * segmentBytes, sizeBytes - position);
    if (segment > firstSegment) lease.buffer = await lease.pool.rotate(lease.buffer);
    const ciphertext = lease.buffer.subarray(0, length);
    await tags.load(segment, count);
    if ((await file.read(ciphertext, position)) !== length)
      throw new DamagedBytesError(`Blob ${request.blobId} is cut off`);
    const run = { ciphertext, firstSegment: segment, sizeBytes, tags: tags.bytes, tagsOffset: tags.offsetOf(segment) };
    const broken = findBrokenSegment(keys.authentication, run);
    if (broken !== undefined)
      throw new DamagedBytesError(`Segment ${broken} of blob ${request.blobId} does not authenticate`);
    const plaintext = stream.update(ciphertext);
    noteTransferred(length);
    const from = Math.max(0, start - position);
    const to = Math.min(length, end - position);
    yield from === 0 && to === length ? plaintext : plaintext.subarray(from, to);
  }
}

/** The tags around the place that is being read; they stand behind the ciphertext, 16 bytes a segment. */
class TagWindow {
  readonly #file: DiskFile;
  readonly #sizeBytes: number;
  readonly #endSegment: number;
  #firstSegment = 0;
  #segments = 0;
  bytes: Uint8Array = new Uint8Array(0);

  constructor(file: DiskFile, sizeBytes: number, endSegment: number) {
    this.#file = file;
    this.#sizeBytes = sizeBytes;
    this.#endSegment = endSegment;
  }

  /** Makes the tags of `count` segments from `segment` on available. */
  async load(segment: number, count: number): Promise<void> {
    if (segment >= this.#firstSegment && segment + count <= this.#firstSegment + this.#segments) return;
    this.#segments = Math.min(tagWindowSegments, this.#endSegment - segment);
    this.#firstSegment = segment;
    this.bytes = Buffer.allocUnsafe(this.#segments * tagBytes);
    const read = await this.#file.read(this.bytes, this.#sizeBytes + segment * tagBytes);
    if (read !== this.bytes.length) throw new DamagedBytesError("Blob tags are cut off");
  }

  offsetOf(segment: number): number {
    return (segment - this.#firstSegment) * tagBytes;
  }
}
