import { dirname } from "node:path";
import type { BlobRead, BlobSink, Blobs } from "../blobs.ts";
import type { BufferPool } from "../buffer-pool.ts";
import type { Disk } from "../disk.ts";
import { blobPath } from "./blob-path.ts";
import { readBlob } from "./read-blob.ts";
import { SyncedFolders } from "./synced-folders.ts";
import { createBlob } from "./write-blob.ts";

/** Blobs as files below each bucket's folder. */
export class DiskBlobs implements Blobs {
  readonly #disk: Disk;
  readonly #pool: BufferPool;
  readonly #dataDir: string;
  readonly #folders: SyncedFolders;

  constructor(options: { disk: Disk; pool: BufferPool; dataDir: string }) {
    this.#disk = options.disk;
    this.#pool = options.pool;
    this.#dataDir = options.dataDir;
    this.#folders = new SyncedFolders(options.disk);
  }

  create(bucketId: string, dataKey: Uint8Array): Promise<BlobSink> {
    return createBlob({
      disk: this.#disk,
      pool: this.#pool,
      folders: this.#folders,
      dataDir: this.#dataDir,
      bucketId,
      dataKey,
    });
  }

  read(request: BlobRead): AsyncGenerator<Uint8Array, void, undefined> {
    return readBlob({ disk: this.#disk, pool: this.#pool, dataDir: this.#dataDir }, request);
  }

  async linkTo(bucketId: string, blobId: string, targetBucketId: string): Promise<void> {
    const target = blobPath(this.#dataDir, targetBucketId, blobId);
    await this.#folders.ensure(dirname(target));
    await this.#disk.link(blobPath(this.#dataDir, bucketId, blobId), target).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
    });
    await this.#disk.syncFolder(dirname(target));
  }
}
