import type { Database, Statement } from "bun:sqlite";
import { hasSharedLists, openCatalog } from "./open-catalog.ts";

/** Columns of a look-up: `read-row.ts` verifies them. */
const VERSION_COLUMNS = `v.hlc, v.flags, v.size_bytes, v.etag, v.version_id, v.detail_id, v.attributes, d.meta, v.from_seq, v.crc, d.crc`;

/**
 * Parameters are written `?+0` and `?||''` where SQLite would plan the statement again whenever a bare one is bound: in
 * LIMIT, and in an equality beside ORDER BY or a join. Planning costs five times the look-up (3.54: 16 us against 3).
 */
const sql = {
  newest: `SELECT ${VERSION_COLUMNS} FROM version v LEFT JOIN detail d ON d.detail_id = v.detail_id WHERE v.key = ?||'' ORDER BY v.hlc DESC LIMIT 1`,
  newestWithBody: `SELECT ${VERSION_COLUMNS}, d.body FROM version v LEFT JOIN detail d ON d.detail_id = v.detail_id WHERE v.key = ?||'' ORDER BY v.hlc DESC LIMIT 1`,
  at: `SELECT ${VERSION_COLUMNS}, d.body FROM version v LEFT JOIN detail d ON d.detail_id = v.detail_id WHERE v.key = ?||'' AND v.hlc = ?+0`,
  named: `SELECT ${VERSION_COLUMNS}, d.body FROM version v LEFT JOIN detail d ON d.detail_id = v.detail_id WHERE v.key = ?||'' AND v.version_id = ?||''`,
  nullVersion: `SELECT ${VERSION_COLUMNS}, d.body FROM version v LEFT JOIN detail d ON d.detail_id = v.detail_id WHERE v.key = ?||'' AND v.flags & 4 LIMIT 1`,
  share: `SELECT list_id, extents FROM extent_share WHERE detail_id = ?`,
  lastOrdinal: `SELECT ordinal FROM extent WHERE detail_id = ?+0 ORDER BY ordinal DESC LIMIT 1`,
  extentBounds: `SELECT part_number, offset_bytes, size_bytes FROM extent WHERE detail_id = ? AND ordinal = ?`,
  extents: `SELECT part_number, offset_bytes, size_bytes, blob_id, checksum FROM extent WHERE detail_id = ?+0 AND ordinal BETWEEN ?+0 AND ?+0 AND offset_bytes < ?+0 AND offset_bytes + size_bytes > ?+0 ORDER BY ordinal`,
  extentsAfter: `SELECT part_number, offset_bytes, size_bytes, blob_id, checksum FROM extent WHERE detail_id = ?+0 AND ordinal BETWEEN ?+0 AND ?+0 AND part_number > ?+0 ORDER BY ordinal LIMIT ?+0`,
  currentFrom: `SELECT key, hlc, flags, size_bytes, etag FROM version WHERE key >= ? AND key < ? ORDER BY key, hlc DESC LIMIT ?+0`,
  currentAfter: `SELECT key, hlc, flags, size_bytes, etag FROM version WHERE key > ? AND key < ? ORDER BY key, hlc DESC LIMIT ?+0`,
  currentAmong: `SELECT key, hlc, flags, size_bytes, etag FROM (SELECT key, hlc, flags, size_bytes, etag FROM version WHERE key > ?1 AND key < ?2 ORDER BY key, hlc DESC LIMIT ?4+0) WHERE flags & 3 = 1 LIMIT ?3+0`,
  keyAtOffset: `SELECT key FROM version WHERE key > ? AND key < ? ORDER BY key, hlc DESC LIMIT 1 OFFSET ?+0`,
  versionsFrom: `SELECT key, hlc, flags, size_bytes, etag, version_id FROM version WHERE key >= ? AND key < ? ORDER BY key, hlc DESC LIMIT ?+0`,
  versionsAfter: `SELECT key, hlc, flags, size_bytes, etag, version_id FROM version WHERE key > ? AND key < ? ORDER BY key, hlc DESC LIMIT ?+0`,
  versionsOfKey: `SELECT key, hlc, flags, size_bytes, etag, version_id FROM version WHERE key = ?||'' AND hlc < ?+0 ORDER BY hlc DESC LIMIT ?+0`,
  uploadsFrom: `SELECT key, upload_id, initiated_hlc, meta FROM upload WHERE state = 0 AND key >= ? AND key < ? ORDER BY key, initiated_hlc LIMIT ?+0`,
  uploadsAfter: `SELECT key, upload_id, initiated_hlc, meta FROM upload WHERE state = 0 AND key > ? AND key < ? ORDER BY key, initiated_hlc LIMIT ?+0`,
  uploadsOfKey: `SELECT key, upload_id, initiated_hlc, meta FROM upload WHERE state = 0 AND key = ?||'' AND initiated_hlc > ?+0 ORDER BY initiated_hlc LIMIT ?+0`,
  upload: `SELECT key, upload_id, initiated_hlc, meta, state, crc FROM upload WHERE upload_id = ?`,
  parts: `SELECT part_number, blob_id, size_bytes, etag, checksum, hlc, crc FROM part WHERE upload_id = ?||'' AND part_number > ?+0 ORDER BY part_number LIMIT ?+0`,
} as const;

/** Names of the reader's statements. */
export type ReaderStatementName = keyof typeof sql;

/** A worker's read-only connection to one bucket's catalog; statements are prepared when first used. */
export class BucketReader {
  readonly #database: Database;
  #hasSharedLists = false;
  readonly #prepared = new Map<ReaderStatementName, Statement>();

  /** @throws CatalogUnavailableError */
  constructor(dataDir: string, bucketId: string) {
    this.#database = openCatalog(dataDir, bucketId, "read");
  }

  /** All rows, each an array of the columns that `Row` names. */
  rows<Row = unknown[]>(name: ReaderStatementName, ...values: (string | number | Uint8Array)[]): Row[] {
    let statement = this.#prepared.get(name);
    if (!statement) {
      statement = this.#database.prepare(sql[name]);
      this.#prepared.set(name, statement);
    }
    const rows: unknown = statement.values(...values);
    return rows as Row[];
  }

  /** Whether versions may share lists; the writer can bring the catalog to that form at any time. */
  get hasSharedLists(): boolean {
    this.#hasSharedLists ||= hasSharedLists(this.#database);
    return this.#hasSharedLists;
  }

  close(): void {
    for (const statement of this.#prepared.values()) statement.finalize();
    this.#database.close();
  }
}
