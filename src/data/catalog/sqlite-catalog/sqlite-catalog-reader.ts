import type { ByteRange } from "#kernel/s3/byte-range.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import type {
  CatalogReader,
  Extent,
  KeyRange,
  ListedObject,
  ListedRows,
  ListedUpload,
  ListedVersion,
  ObjectVersion,
  PartPage,
  UploadedPart,
  UploadState,
  WantedVersion,
} from "../catalog.ts";
import { maxOpenCatalogs } from "../open-catalogs.ts";
import { parseVersionId } from "../version-id.ts";
import { BucketReader } from "./bucket-reader.ts";
import { lastPartNumber, listExtents, readExtents, readPart } from "./find-extents.ts";
import { listCurrent, listUploads, listVersions } from "./list-rows.ts";
import { toPart, toUpload, toVersion } from "./read-row.ts";

/** Ids of deleted buckets that are remembered; ids never come back, the oldest is dropped. */
const maxForgotten = 1_024;

/** Reads the catalogs of all buckets through connections of this thread's own. */
export class SqliteCatalogReader implements CatalogReader {
  readonly #dataDir: string;
  readonly #open = new Map<string, BucketReader>();
  readonly #forgotten = new Set<string>();

  readonly #maxOpen: number;

  constructor(dataDir: string, maxOpen: number = maxOpenCatalogs) {
    this.#dataDir = dataDir;
    this.#maxOpen = maxOpen;
  }

  async findNewest(bucketId: string, key: string, withBody: boolean): Promise<ObjectVersion | undefined> {
    const [row] = this.#reader(bucketId).rows(withBody ? "newestWithBody" : "newest", key);
    return row && toVersion(key, row);
  }

  async findVersion(bucketId: string, wanted: WantedVersion): Promise<ObjectVersion | undefined> {
    const row = findByName(this.#reader(bucketId), wanted);
    const found = row && toVersion(wanted.key, row);
    return found && !wanted.withBody ? { ...found, body: null } : found;
  }

  async lastPartNumber(bucketId: string, detailId: number): Promise<number> {
    return lastPartNumber(this.#reader(bucketId), detailId);
  }

  async readExtents(bucketId: string, detailId: number, range: ByteRange): Promise<Extent[]> {
    return readExtents(this.#reader(bucketId), detailId, range);
  }

  async readPart(bucketId: string, detailId: number, partNumber: number): Promise<Extent | undefined> {
    return readPart(this.#reader(bucketId), detailId, partNumber);
  }

  async listExtents(bucketId: string, detailId: number, page: PartPage): Promise<Extent[]> {
    return listExtents(this.#reader(bucketId), detailId, page);
  }

  async listCurrent(bucketId: string, range: KeyRange, limit: number): Promise<ListedRows<ListedObject>> {
    return listCurrent(this.#reader(bucketId), range, limit);
  }

  async listVersions(bucketId: string, range: KeyRange, limit: number): Promise<ListedRows<ListedVersion>> {
    return listVersions(this.#reader(bucketId), range, limit);
  }

  async listUploads(bucketId: string, range: KeyRange, limit: number): Promise<ListedRows<ListedUpload>> {
    return listUploads(this.#reader(bucketId), range, limit);
  }

  async readUpload(bucketId: string, uploadId: string): Promise<UploadState | undefined> {
    const [row] = this.#reader(bucketId).rows("upload", uploadId);
    return row && toUpload(row);
  }

  async listParts(bucketId: string, uploadId: string, { marker, limit }: PartPage): Promise<UploadedPart[]> {
    return this.#reader(bucketId)
      .rows("parts", uploadId, marker, limit)
      .map((row) => toPart(uploadId, row));
  }

  /**
   * Closes the connection of a bucket that was deleted, for ever: a request that found the bucket before gets NoSuchBucket and
   * does not open it again. Nobody reads meanwhile, because every read ends in the turn in which it began.
   */
  forget(bucketId: string): void {
    this.#close(bucketId);
    this.#forgotten.add(bucketId);
    if (this.#forgotten.size <= maxForgotten) return;
    const [oldest] = this.#forgotten;
    if (oldest !== undefined) this.#forgotten.delete(oldest);
  }

  /** Closes every connection. */
  close(): void {
    for (const bucketId of [...this.#open.keys()]) this.#close(bucketId);
  }

  #close(bucketId: string): void {
    this.#open.get(bucketId)?.close();
    this.#open.delete(bucketId);
  }

  #reader(bucketId: string): BucketReader {
    const open = this.#open.get(bucketId);
    if (open) {
      if (this.#open.size > this.#maxOpen / 2) {
        this.#open.delete(bucketId);
        this.#open.set(bucketId, open);
      }
      return open;
    }
    if (this.#forgotten.has(bucketId)) throw new S3Error("NoSuchBucket");
    const made = new BucketReader(this.#dataDir, bucketId);
    this.#open.set(bucketId, made);
    if (this.#open.size > this.#maxOpen) {
      const [oldest] = this.#open.keys();
      if (oldest !== undefined) this.#close(oldest);
    }
    return made;
  }
}

function findByName(reader: BucketReader, { key, versionId }: WantedVersion): unknown[] | undefined {
  if (versionId === "null") return reader.rows("nullVersion", key)[0];
  const hlc = parseVersionId(versionId);
  if (hlc !== undefined) {
    const [row] = reader.rows("at", key, hlc);
    if (row?.[4] === versionId) return row;
  }
  return reader.rows("named", key, versionId)[0];
}
