import { dirname } from "node:path";
import { randomBytes } from "#kernel/base/random.ts";
import type { BlobRef } from "#kernel/protocol/mutation.ts";
import {
  type BlobKeys,
  type CounterStream,
  computeSegmentTag,
  deriveBlobKeys,
  openCounterStream,
  segmentBytes,
  tagBytes,
} from "../../crypto/blob-cipher.ts";
import type { BlobFacts, BlobSink } from "../blobs.ts";
import { type BufferPool, bufferBytes } from "../buffer-pool.ts";
import type { Disk, DiskFile } from "../disk.ts";
import { noteTransferred } from "../transfer-garbage.ts";
import { blobPath } from "./blob-path.ts";
import { encodeFooter } from "./footer.ts";
import type { SyncedFolders } from "./synced-folders.ts";

const initialTagSegments = 64;

/** Opens a new blob file under a fresh random id. */
export async function createBlob(options: {
  disk: Disk;
  pool: BufferPool;
  folders: SyncedFolders;
  dataDir: string;
  bucketId: string;
  dataKey: Uint8Array;
}): Promise<BlobSink> {
  const { disk, pool, folders, dataDir, bucketId, dataKey } = options;
  const blobId = Buffer.from(randomBytes(16)).toString("hex");
  const path = blobPath(dataDir, bucketId, blobId);
  await folders.ensure(dirname(path));
  const file = await disk.create(path);
  return new DiskBlobSink({ disk, pool, file, path, blobId, keys: deriveBlobKeys(dataKey, blobId) });
}

interface SinkParts {
  readonly disk: Disk;
  readonly pool: BufferPool;
  readonly file: DiskFile;
  readonly path: string;
  readonly blobId: string;
  readonly keys: BlobKeys;
}

/**
 * Two pooled buffers take turns: one is filled while the other is written. Each segment is tagged when it is complete;
 * the last one only at the end, because its tag says that it is the last.
 */
class DiskBlobSink implements BlobSink {
  readonly blobId: string;
  readonly #parts: SinkParts;
  readonly #stream: CounterStream;
  #tags = Buffer.allocUnsafe(initialTagSegments * tagBytes);
  #taggedSegments = 0;
  /** Bytes written or being written to the file. */
  #flushedBytes = 0;
  #buffer: Uint8Array | undefined;
  #filledBytes = 0;
  #writing: Promise<void> | undefined;
  #failed: unknown;
  #abandoned = false;

  constructor(parts: SinkParts) {
    this.blobId = parts.blobId;
    this.#parts = parts;
    this.#stream = openCounterStream(parts.keys.encryption, 0);
  }

  write(plaintext: Uint8Array): Promise<void> | undefined {
    if (plaintext.length === 0) return undefined;
    const buffer = this.#buffer;
    if (buffer && this.#filledBytes + plaintext.length <= bufferBytes) {
      this.#fill(buffer, plaintext);
      return undefined;
    }
    return this.#writeSlowly(plaintext);
  }

  async finish(facts: BlobFacts): Promise<BlobRef> {
    const { disk, file, path } = this.#parts;
    const sizeBytes = this.#flushedBytes + this.#filledBytes;
    await this.#flush(true);
    await this.#settleWrite();
    const tags = this.#tags.subarray(0, this.#taggedSegments * tagBytes);
    await file.write(Buffer.concat([tags, encodeFooter(this.blobId, sizeBytes, facts)]), sizeBytes);
    await file.sync();
    await file.close();
    await disk.syncFolder(dirname(path));
    return { blobId: this.blobId, sizeBytes };
  }

  async abandon(): Promise<void> {
    const { disk, file, path } = this.#parts;
    this.#abandoned = true;
    await this.#writing;
    this.#releaseBuffer();
    await file.close().catch(() => {});
    await disk.remove(path).catch(() => {});
  }

  async #writeSlowly(plaintext: Uint8Array): Promise<void> {
    let offset = 0;
    while (offset < plaintext.length) {
      this.#buffer ??= await this.#parts.pool.acquire();
      if (this.#abandoned) return this.#releaseBuffer();
      const count = Math.min(bufferBytes - this.#filledBytes, plaintext.length - offset);
      this.#fill(this.#buffer, plaintext.subarray(offset, offset + count));
      offset += count;
      if (this.#filledBytes === bufferBytes && offset < plaintext.length) await this.#flush(false);
    }
  }

  /** Encrypts into the buffer; the caller made sure that it fits. */
  #fill(buffer: Uint8Array, plaintext: Uint8Array): void {
    noteTransferred(plaintext.length);
    for (let offset = 0; offset < plaintext.length; offset += segmentBytes) {
      const piece = this.#stream.update(plaintext.subarray(offset, Math.min(offset + segmentBytes, plaintext.length)));
      buffer.set(piece, this.#filledBytes);
      this.#filledBytes += piece.length;
    }
  }

  /** Tags what the buffer holds and starts writing it; the previous write must end first, so two buffers suffice. */
  async #flush(last: boolean): Promise<void> {
    const buffer = this.#buffer;
    this.#tagSegments(buffer, last);
    if (!buffer) return;
    await this.#settleWrite();
    // Whoever abandons gives the buffer back; written and released here as well, two uploads would get it.
    if (this.#abandoned) return;
    const position = this.#flushedBytes;
    this.#flushedBytes += this.#filledBytes;
    this.#writing = this.#writeOut(buffer, this.#filledBytes, position);
    this.#buffer = undefined;
    this.#filledBytes = 0;
  }

  /** Never rejects: a failure is kept for whoever waits next. */
  async #writeOut(buffer: Uint8Array, length: number, position: number): Promise<void> {
    try {
      await this.#parts.file.write(buffer.subarray(0, length), position);
    } catch (error) {
      this.#failed = error;
    } finally {
      this.#parts.pool.release(buffer);
    }
  }

  async #settleWrite(): Promise<void> {
    await this.#writing;
    if (this.#failed) throw this.#failed;
  }

  #tagSegments(buffer: Uint8Array | undefined, last: boolean): void {
    const bytes = buffer?.subarray(0, this.#filledBytes) ?? new Uint8Array(0);
    const count = Math.ceil(bytes.length / segmentBytes);
    for (let i = 0; i < count; i++) {
      this.#pushTag(
        bytes.subarray(i * segmentBytes, Math.min((i + 1) * segmentBytes, bytes.length)),
        last && i === count - 1,
      );
    }
    if (count === 0 && last && this.#taggedSegments === 0) this.#pushTag(bytes, true);
  }

  #pushTag(ciphertext: Uint8Array, last: boolean): void {
    const offset = this.#taggedSegments * tagBytes;
    if (offset === this.#tags.length) this.#tags = Buffer.concat([this.#tags, Buffer.allocUnsafe(this.#tags.length)]);
    this.#tags.set(
      computeSegmentTag(this.#parts.keys.authentication, { index: this.#taggedSegments, last }, ciphertext),
      offset,
    );
    this.#taggedSegments += 1;
  }

  #releaseBuffer(): void {
    if (this.#buffer) this.#parts.pool.release(this.#buffer);
    this.#buffer = undefined;
  }
}
