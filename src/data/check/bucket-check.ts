import type { Database } from "bun:sqlite";
import type { Clock } from "#kernel/base/clock.ts";
import type { Disk } from "../blobs/disk.ts";
import { fileChangedMs, isBlobName, listBlobFiles, listBlobFolders } from "../blobs/disk-blobs/blob-files.ts";
import type { BlobFooter } from "../blobs/disk-blobs/footer.ts";
import {
  type CatalogFinding,
  renderPlace,
  type StoredPart,
  type StoredVersion,
} from "../catalog/sqlite-catalog/catalog-finding.ts";
import { CatalogUnavailableError } from "../catalog/sqlite-catalog/catalog-unavailable-error.ts";
import { hasBucketFolder } from "../catalog/sqlite-catalog/has-bucket-folder.ts";
import { hasSharedLists } from "../catalog/sqlite-catalog/open-catalog.ts";
import { openUntouched } from "../catalog/sqlite-catalog/open-untouched.ts";
import { verifyCatalog } from "../catalog/sqlite-catalog/verify-catalog.ts";
import { isUnavailable } from "../catalog/unavailable.ts";
import { describeUnreadable } from "../catalog/unreadable.ts";
import type { ChecksumPool } from "../checksum/running-checksum.ts";
import { DamagedBytesError, openInline, sealedInlineBytes } from "../crypto/inline-body.ts";
import { KeyUnwrapError, keyIdentity, type ObjectKeyRing, type WrappedKey } from "../crypto/object-key-ring.ts";
import { parseObjectMeta, parseUploadMeta } from "../object-meta.ts";
import { type BlobToCheck, checkBlob } from "./check-blob.ts";
import { type CheckCounts, emptyCounts } from "./check-counts.ts";

/** A blob that nothing names belongs to an upload under way until it has been untouched for this long. */
const orphanGraceMs = 3_600_000;
/** Version of wrapped keys that only the client can open. */
const customerKeyVersion = 0;

/** What the check of one bucket needs. */
export interface BucketCheckOptions {
  readonly dataDir: string;
  readonly bucketId: string;
  /** Undefined when the keys could not be had: then structure, rows and footers are checked. */
  readonly keyRing: ObjectKeyRing | undefined;
  readonly checksums: ChecksumPool;
  readonly disk: Disk;
  readonly clock: Clock;
  /** A server runs on the folder. */
  readonly isServed: boolean;
  /** One line per problem. */
  readonly report: (line: string) => void;
}

interface ExtentRecord {
  ordinal: number;
  partNumber: number;
  offsetBytes: number;
  sizeBytes: number;
  blobId: string;
  checksum: string | null;
  /** 1 for the first detail that names the blob: with it the bytes are read, once. */
  isFirst: number;
  firstChecksum: string | null;
}

interface Share {
  listId: number;
  extents: number;
}

/** A data key, or why there is none. */
type OpenedKey =
  | { readonly kind: "key"; readonly dataKey: Uint8Array }
  | { readonly kind: "unknown" }
  | { readonly kind: "damaged" };

const extentSql =
  "SELECT ordinal, part_number AS partNumber, offset_bytes AS offsetBytes, size_bytes AS sizeBytes, blob_id AS blobId, checksum, detail_id = (SELECT min(f.detail_id) FROM extent f WHERE f.blob_id = e.blob_id) AS isFirst, (SELECT f.checksum FROM extent f WHERE f.blob_id = e.blob_id ORDER BY f.detail_id LIMIT 1) AS firstChecksum FROM extent e WHERE detail_id = ? AND ordinal < ? ORDER BY ordinal";
const shareSql = "SELECT list_id AS listId, extents FROM extent_share WHERE detail_id = ?";
const namedSql =
  "SELECT EXISTS (SELECT 1 FROM extent WHERE blob_id = ?1) OR EXISTS (SELECT 1 FROM part WHERE blob_id = ?1) OR EXISTS (SELECT 1 FROM garbage_blob WHERE blob_id = ?1)";

const needsSql =
  "SELECT EXISTS (SELECT 1 FROM extent WHERE blob_id = ?1) OR EXISTS (SELECT 1 FROM part WHERE blob_id = ?1)";

/** Checks one bucket: its catalog row by row, with each row its bytes, then the files that no row names. */
export class BucketCheck {
  readonly #options: BucketCheckOptions;
  readonly #counts: CheckCounts = emptyCounts();
  /** How many extents of each shared list were looked at. */
  readonly #sharedSeen = new Map<number, number>();

  constructor(options: BucketCheckOptions) {
    this.#options = options;
  }

  /** Damage, and what cannot be read, is counted and reported, never thrown. */
  async run(): Promise<CheckCounts> {
    const database = this.#open();
    if (database === undefined) return this.#counts;
    try {
      // One state from the first row to the last, whatever a server commits meanwhile.
      database.run("BEGIN");
      let isOurs = false;
      for (const finding of verifyCatalog(database)) {
        await this.#take(database, finding);
        isOurs ||= finding.kind === "counted";
      }
      database.run("COMMIT");
      // A catalog without our tables says nothing of any file.
      if (isOurs) this.#findOrphans(database);
    } catch (error) {
      this.#noteFailure("The catalog", error);
    } finally {
      database.close();
    }
    return this.#counts;
  }

  #open(): Database | undefined {
    const { dataDir, bucketId, isServed } = this.#options;
    try {
      return openUntouched(dataDir, bucketId, isServed);
    } catch (error) {
      if (!(error instanceof CatalogUnavailableError && error.kind === "lost")) {
        this.#noteFailure("The catalog", error);
      } else if (!isServed || hasBucketFolder(dataDir, bucketId)) {
        this.#counts.missing += 1;
        this.#options.report(`missing: ${error.message}`);
      }
      return undefined;
    }
  }

  async #take(database: Database, finding: CatalogFinding): Promise<void> {
    switch (finding.kind) {
      case "damaged":
        return this.#corrupt(finding.text);
      case "drifted":
        this.#counts.drift += 1;
        return this.#options.report(`drift: ${finding.text}`);
      case "version": {
        const place = renderPlace(finding.version);
        try {
          return await this.#checkVersion(database, place, finding.version);
        } catch (error) {
          return this.#noteFailure(place, error);
        }
      }
      case "part":
        return this.#checkPart(finding.part);
      case "counted": {
        const { objects, versions, bytes } = finding.counts;
        Object.assign(this.#counts, { objects, versions, bytes });
      }
    }
  }

  async #checkVersion(database: Database, place: string, version: StoredVersion): Promise<void> {
    const { detailId, meta, body, sizeBytes, key } = version;
    if (detailId === null || meta === null) return;
    const wrapped = this.#parseKey(place, () => parseObjectMeta(meta).key);
    if (!wrapped) return;
    const opened = this.#openKey(wrapped, key);
    this.#noteKey(place, opened);
    const share = hasSharedLists(database) ? database.query<Share, [number]>(shareSql).get(detailId) : null;
    const { listId, extents: wanted } = share ?? { listId: detailId, extents: Number.MAX_SAFE_INTEGER };
    const extents = database.query<ExtentRecord, [number, number]>(extentSql).all(listId, wanted);
    if (body !== null) {
      if (extents.length > 0) this.#corrupt(`${place}: it has an inline body and blobs`);
      return this.#checkInline(place, { body, sizeBytes, opened });
    }
    if (!this.#checkOrder(place, extents, sizeBytes)) return;
    if (share && extents.length !== share.extents)
      this.#corrupt(`${place}: it has ${extents.length} blobs, wanted ${share.extents}`);
    const dataKey = this.#dataKey(opened);
    // Versions of an object that grew have the same blobs under the same key.
    const seen = (share && this.#sharedSeen.get(listId)) ?? 0;
    if (share) this.#sharedSeen.set(listId, Math.max(seen, extents.length));
    let previousNumber = extents[seen - 1]?.partNumber ?? 0;
    for (const extent of extents.slice(seen)) {
      const footer = await this.#checkBlob(`${place} part ${extent.partNumber}`, {
        ...extent,
        dataKey,
        readsAll: extent.isFirst === 1,
      });
      const number = footer?.partNumber ?? previousNumber + 1;
      if (footer && number !== extent.partNumber)
        this.#corrupt(`${place}: part ${extent.partNumber} is number ${number}`);
      if (extent.checksum !== extent.firstChecksum)
        this.#corrupt(`${place}: part ${extent.partNumber} has another checksum than the version it was copied from`);
      previousNumber = extent.partNumber;
    }
  }

  #checkInline(place: string, inline: { body: Uint8Array; sizeBytes: number; opened: OpenedKey }): void {
    const { body, sizeBytes, opened } = inline;
    try {
      if (opened.kind === "key") openInline(opened.dataKey, body, sizeBytes);
      else if (body.length !== sealedInlineBytes(sizeBytes))
        throw new DamagedBytesError("Inline body has a wrong length");
    } catch (error) {
      if (!(error instanceof DamagedBytesError)) throw error;
      this.#corrupt(`${place}: ${error.message}`);
    }
  }

  /** @returns false when the rows cannot even be followed */
  #checkOrder(place: string, extents: readonly ExtentRecord[], sizeBytes: number): boolean {
    let end = 0;
    let previousNumber = 0;
    for (const [index, { ordinal, offsetBytes, sizeBytes: length, blobId, partNumber }] of extents.entries()) {
      if (typeof blobId !== "string" || !isBlobName(blobId.slice(0, 2), blobId)) {
        this.#corrupt(`${place}: part ${partNumber} names no blob`);
        return false;
      }
      if (ordinal !== index || offsetBytes !== end || partNumber <= previousNumber)
        this.#corrupt(`${place}: part ${partNumber} is not where the one before it ends`);
      end = offsetBytes + length;
      previousNumber = partNumber;
    }
    if (extents.length === 0) this.#corrupt(`${place}: it has neither a body nor blobs`);
    else if (end !== sizeBytes) this.#corrupt(`${place}: its blobs hold ${end} bytes, wanted ${sizeBytes}`);
    return true;
  }

  async #checkPart(part: StoredPart): Promise<void> {
    const place = `upload ${part.uploadId} part ${part.partNumber}`;
    const wrapped = this.#parseKey(place, () => parseUploadMeta(part.meta).key);
    if (!wrapped) return;
    const opened = this.#openKey(wrapped, part.key);
    this.#noteKey(place, opened);
    const { blobId, sizeBytes } = part;
    const footer = await this.#checkBlob(place, {
      blobId,
      sizeBytes,
      checksum: null,
      dataKey: this.#dataKey(opened),
      readsAll: true,
    });
    if (footer && (footer.partNumber ?? part.partNumber) !== part.partNumber)
      this.#corrupt(`${place}: its blob is part ${footer.partNumber}`);
  }

  async #checkBlob(place: string, blob: BlobToCheck): Promise<BlobFooter | undefined> {
    const result = await checkBlob(this.#options, blob);
    if (result.kind === "missing") {
      if (!this.#isStillNamed(blob.blobId)) return undefined;
      this.#counts.missing += 1;
      this.#options.report(`missing: ${place}: blob ${blob.blobId}`);
    } else if (result.kind === "unreadable") this.#unreadable(`${place}: blob ${blob.blobId}: ${result.text}`);
    else if (result.kind === "damaged") this.#corrupt(`${place}: blob ${blob.blobId}: ${result.text}`);
    else return result.footer;
    return undefined;
  }

  /** Beside a server a blob may be gone rightly: a check takes long, and its rows are those of when it began. */
  #isStillNamed(blobId: string): boolean {
    const { dataDir, bucketId, isServed } = this.#options;
    if (!isServed) return true;
    const database = openUntouched(dataDir, bucketId, isServed);
    try {
      return database.query(needsSql).values(blobId)[0]?.[0] === 1;
    } finally {
      database.close();
    }
  }

  #noteKey(place: string, opened: OpenedKey): void {
    if (opened.kind === "unknown") this.#counts.unverifiable += 1;
    else if (opened.kind === "damaged") this.#corrupt(`${place}: its data key does not open`);
  }

  #dataKey(opened: OpenedKey): Uint8Array | undefined {
    return opened.kind === "key" ? opened.dataKey : undefined;
  }

  #openKey(wrapped: WrappedKey, key: string): OpenedKey {
    const { keyRing, bucketId } = this.#options;
    if (wrapped.version === customerKeyVersion || keyRing === undefined) return { kind: "unknown" };
    try {
      return { kind: "key", dataKey: keyRing.unwrap(wrapped, keyIdentity(bucketId, key)) };
    } catch (error) {
      if (!(error instanceof KeyUnwrapError)) throw error;
      return { kind: "damaged" };
    }
  }

  /** The wrapped key of a metadata text; the row's checksum says whether the text is what was written. */
  #parseKey(place: string, parse: () => WrappedKey): WrappedKey | undefined {
    try {
      const { version, sealed } = parse();
      if (typeof version === "number" && typeof sealed === "string") return { version, sealed };
    } catch (error) {
      if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error;
    }
    this.#corrupt(`${place}: its metadata cannot be read`);
    return undefined;
  }

  #findOrphans(database: Database): void {
    const { dataDir, bucketId } = this.#options;
    const isNamed = database.query(namedSql);
    const folders = this.#attempt("The folder of blobs", () => listBlobFolders(dataDir, bucketId)) ?? [];
    for (const folder of folders) {
      const names = this.#attempt(`Blob folder ${folder}`, () => listBlobFiles(dataDir, bucketId, folder)) ?? [];
      for (const name of names) {
        if (isBlobName(folder, name) && isNamed.values(name)[0]?.[0] === 1) continue;
        this.#attempt(`File ${folder}/${name}`, () => this.#noteOrphan(folder, name));
      }
    }
  }

  #noteOrphan(folder: string, name: string): void {
    const { dataDir, bucketId, clock } = this.#options;
    const changedMs = fileChangedMs({ dataDir, bucketId, folder }, name);
    if (changedMs === undefined || clock.nowMs() - changedMs < orphanGraceMs) return;
    this.#counts.orphaned += 1;
    this.#options.report(`orphaned: file ${folder}/${name}`);
  }

  /** What `read` gives; undefined, noted and reported, when it fails. */
  #attempt<T>(what: string, read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      this.#noteFailure(what, error);
      return undefined;
    }
  }

  /** @throws the error itself when it is neither the file system's nor SQLite's */
  #noteFailure(what: string, error: unknown): void {
    const unreadable = describeUnreadable(error);
    if (unreadable !== undefined) {
      this.#unreadable(`${what}: ${unreadable}`);
      return;
    }
    if (!(isUnavailable(error) || (error instanceof Error && "syscall" in error))) throw error;
    this.#corrupt(`${what} cannot be read: ${error instanceof Error ? error.message : "unknown"}`);
  }

  #unreadable(text: string): void {
    this.#counts.unreadable += 1;
    this.#options.report(`unreadable: ${text}`);
  }

  #corrupt(text: string): void {
    this.#counts.corrupt += 1;
    this.#options.report(`corrupt: ${text}`);
  }
}
