import type { Database, Statement } from "bun:sqlite";
import { openCatalog } from "./open-catalog.ts";

const sql = {
  newest: `SELECT v.hlc, v.flags, v.size_bytes, v.etag, v.version_id, v.detail_id, v.attributes, d.meta FROM version v LEFT JOIN detail d ON d.detail_id = v.detail_id WHERE v.key = ? ORDER BY v.hlc DESC LIMIT 1`,
  newestWithBody: `SELECT v.hlc, v.flags, v.size_bytes, v.etag, v.version_id, v.detail_id, v.attributes, d.meta, d.body FROM version v LEFT JOIN detail d ON d.detail_id = v.detail_id WHERE v.key = ? ORDER BY v.hlc DESC LIMIT 1`,
  at: `SELECT v.hlc, v.flags, v.size_bytes, v.etag, v.version_id, v.detail_id, v.attributes, d.meta, d.body FROM version v LEFT JOIN detail d ON d.detail_id = v.detail_id WHERE v.key = ? AND v.hlc = ?`,
  named: `SELECT v.hlc, v.flags, v.size_bytes, v.etag, v.version_id, v.detail_id, v.attributes, d.meta, d.body FROM version v LEFT JOIN detail d ON d.detail_id = v.detail_id WHERE v.key = ? AND v.version_id = ?`,
  nullVersion: `SELECT v.hlc, v.flags, v.size_bytes, v.etag, v.version_id, v.detail_id, v.attributes, d.meta, d.body FROM version v LEFT JOIN detail d ON d.detail_id = v.detail_id WHERE v.key = ? AND v.flags & 4 LIMIT 1`,
  extents: `SELECT part_number, offset_bytes, size_bytes, blob_id, checksum FROM extent WHERE detail_id = ? AND offset_bytes < ? AND offset_bytes + size_bytes > ? ORDER BY ordinal`,
  extentOfPart: `SELECT part_number, offset_bytes, size_bytes, blob_id, checksum FROM extent WHERE detail_id = ? AND part_number = ?`,
  extentsAfter: `SELECT part_number, offset_bytes, size_bytes, blob_id, checksum FROM extent WHERE detail_id = ? AND part_number > ? ORDER BY ordinal LIMIT ?`,
  currentFrom: `SELECT key, hlc, flags, size_bytes, etag, version_id FROM version WHERE key >= ? AND flags & 3 = 1 ORDER BY key LIMIT ?`,
  currentFromTo: `SELECT key, hlc, flags, size_bytes, etag, version_id FROM version WHERE key >= ? AND key < ? AND flags & 3 = 1 ORDER BY key LIMIT ?`,
  currentAfter: `SELECT key, hlc, flags, size_bytes, etag, version_id FROM version WHERE key > ? AND flags & 3 = 1 ORDER BY key LIMIT ?`,
  currentAfterTo: `SELECT key, hlc, flags, size_bytes, etag, version_id FROM version WHERE key > ? AND key < ? AND flags & 3 = 1 ORDER BY key LIMIT ?`,
  versionsFrom: `SELECT key, hlc, flags, size_bytes, etag, version_id FROM version WHERE key >= ? ORDER BY key, hlc DESC LIMIT ?`,
  versionsAfter: `SELECT key, hlc, flags, size_bytes, etag, version_id FROM version WHERE key > ? ORDER BY key, hlc DESC LIMIT ?`,
  versionsOfKey: `SELECT key, hlc, flags, size_bytes, etag, version_id FROM version WHERE key = ? AND hlc < ? ORDER BY hlc DESC LIMIT ?`,
  uploadsFrom: `SELECT key, upload_id, initiated_hlc, meta FROM upload WHERE state = 0 AND key >= ? ORDER BY key, initiated_hlc LIMIT ?`,
  uploadsAfter: `SELECT key, upload_id, initiated_hlc, meta FROM upload WHERE state = 0 AND key > ? ORDER BY key, initiated_hlc LIMIT ?`,
  uploadsOfKey: `SELECT key, upload_id, initiated_hlc, meta FROM upload WHERE state = 0 AND key = ? AND initiated_hlc > ? ORDER BY initiated_hlc LIMIT ?`,
  upload: `SELECT key, upload_id, initiated_hlc, meta, state FROM upload WHERE upload_id = ?`,
  parts: `SELECT part_number, blob_id, size_bytes, etag, checksum, hlc FROM part WHERE upload_id = ? AND part_number > ? ORDER BY part_number LIMIT ?`,
} as const;

/** Names of the reader's statements. */
export type ReaderStatementName = keyof typeof sql;

/** A worker's read-only connection to one bucket's catalog; statements are prepared when first used. */
export class BucketReader {
  readonly #database: Database;
  readonly #prepared = new Map<ReaderStatementName, Statement>();

  /** @throws CatalogUnavailableError */
  constructor(dataDir: string, bucketId: string) {
    this.#database = openCatalog(dataDir, bucketId, "read");
  }

  /** All rows, each an array of columns. */
  rows(name: ReaderStatementName, ...values: (string | number)[]): unknown[][] {
    let statement = this.#prepared.get(name);
    if (!statement) {
      statement = this.#database.prepare(sql[name]);
      this.#prepared.set(name, statement);
    }
    return statement.values(...values);
  }

  close(): void {
    for (const statement of this.#prepared.values()) statement.finalize();
    this.#database.close();
  }
}
