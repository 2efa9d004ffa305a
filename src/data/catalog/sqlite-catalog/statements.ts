import type { Database, Statement } from "bun:sqlite";

/** A row of `version`, see the schema; its columns in the order of every query that yields one. */
export type VersionRow = [
  hlc: number,
  flags: number,
  sizeBytes: number,
  etag: string,
  versionId: string | null,
  detailId: number | null,
  fromSeq: number,
  attributes: string | null,
];

/** Why some parameters are written `?||''`: see `bucket-reader.ts`. */
const sql = {
  begin: `BEGIN IMMEDIATE`,
  commit: `COMMIT`,
  rollback: `ROLLBACK`,
  newestVersion: `SELECT hlc, flags, size_bytes, etag, version_id, detail_id, from_seq, attributes FROM version WHERE key = ?||'' ORDER BY hlc DESC LIMIT 1`,
  versionAt: `SELECT hlc, flags, size_bytes, etag, version_id, detail_id, from_seq, attributes FROM version WHERE key = ? AND hlc = ?`,
  versionNamed: `SELECT hlc, flags, size_bytes, etag, version_id, detail_id, from_seq, attributes FROM version WHERE key = ? AND version_id = ?`,
  nullVersion: `SELECT hlc, flags, size_bytes, etag, version_id, detail_id, from_seq, attributes FROM version WHERE key = ? AND flags & 4 LIMIT 1`,
  insertVersion: `INSERT INTO version (key, hlc, flags, size_bytes, etag, version_id, detail_id, from_seq, attributes, crc) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  setFlags: `UPDATE version SET flags = ? WHERE key = ? AND hlc = ?`,
  deleteVersion: `DELETE FROM version WHERE key = ? AND hlc = ?`,
  insertClosed: `INSERT INTO closed_version (key, hlc, flags, size_bytes, etag, version_id, detail_id, from_seq, attributes, crc, until_seq, until_hlc) SELECT key, hlc, flags, size_bytes, etag, version_id, detail_id, from_seq, attributes, crc + ?1 + ?2, ?1, ?2 FROM version WHERE key = ?3 AND hlc = ?4`,
  insertDetail: `INSERT INTO detail (detail_id, meta, crc, body) VALUES (?, ?, ?, ?)`,
  copyDetail: `INSERT INTO detail (detail_id, meta, crc, body) SELECT ?, ?, ?, body FROM detail WHERE detail_id = ?`,
  insertExtent: `INSERT INTO extent (detail_id, ordinal, part_number, offset_bytes, size_bytes, blob_id, checksum) VALUES (?, ?, ?, ?, ?, ?, ?)`,
  copyExtents: `INSERT INTO extent (detail_id, ordinal, part_number, offset_bytes, size_bytes, blob_id, checksum) SELECT ?, ordinal, part_number, offset_bytes, size_bytes, blob_id, checksum FROM extent WHERE detail_id = ? AND ordinal < ?`,
  findShare: `SELECT s.list_id, s.extents FROM detail d LEFT JOIN extent_share s ON s.detail_id = d.detail_id WHERE d.detail_id = ?+0`,
  insertShare: `INSERT OR IGNORE INTO extent_share (detail_id, list_id, extents) VALUES (?, ?, ?)`,
  deleteShare: `DELETE FROM extent_share WHERE detail_id = ?`,
  longestShare: `SELECT MAX(extents) FROM extent_share WHERE list_id = ?+0`,
  lastExtent: `SELECT ordinal, part_number, offset_bytes + size_bytes FROM extent WHERE detail_id = ?+0 ORDER BY ordinal DESC LIMIT 1`,
  extentsToGarbage: `INSERT OR REPLACE INTO garbage_blob (blob_id, since_hlc) SELECT blob_id, ? FROM extent WHERE detail_id = ? AND ordinal >= ?`,
  deleteExtents: `DELETE FROM extent WHERE detail_id = ? AND ordinal >= ?`,
  deleteDetail: `DELETE FROM detail WHERE detail_id = ?`,
  extentsFromParts: `INSERT INTO extent (detail_id, ordinal, part_number, offset_bytes, size_bytes, blob_id, checksum) SELECT ?, ROW_NUMBER() OVER (ORDER BY part_number) - 1, part_number, SUM(size_bytes) OVER (ORDER BY part_number) - size_bytes, size_bytes, blob_id, substr(checksum, 1, instr(checksum || ' ', ' ') - 1) FROM part WHERE upload_id = ?`,
  insertLog: `INSERT INTO log (seq, hlc, kind, key, version_id, record, targets) VALUES (?, ?, ?, ?, ?, ?, NULL)`,
  cutLog: `DELETE FROM log WHERE seq < ?`,
  insertUpload: `INSERT INTO upload (upload_id, key, initiated_hlc, meta, state, touched, crc) VALUES (?, ?, ?, ?, 0, 0, ?)`,
  findUpload: `SELECT key, initiated_hlc, state, touched, fingerprint, answer FROM upload WHERE upload_id = ?`,
  touchUploads: `UPDATE upload SET touched = 1 WHERE state = 0 AND key = ? AND touched = 0`,
  endUpload: `UPDATE upload SET state = 1, fingerprint = ?, answer = ?, ended_hlc = ?, crc = crc + ? WHERE upload_id = ?`,
  deleteUpload: `DELETE FROM upload WHERE upload_id = ?`,
  openUploads: `SELECT upload_id FROM upload WHERE state = 0 LIMIT 1000`,
  findPart: `SELECT blob_id, size_bytes FROM part WHERE upload_id = ? AND part_number = ?`,
  replacePart: `INSERT OR REPLACE INTO part (upload_id, part_number, blob_id, size_bytes, etag, checksum, hlc, crc) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  listParts: `SELECT part_number, blob_id, size_bytes, etag, checksum FROM part WHERE upload_id = ?||'' ORDER BY part_number`,
  deletePart: `DELETE FROM part WHERE upload_id = ? AND part_number = ?`,
  deleteParts: `DELETE FROM part WHERE upload_id = ?`,
  partsToGarbage: `INSERT OR REPLACE INTO garbage_blob (blob_id, since_hlc) SELECT blob_id, ? FROM part WHERE upload_id = ?`,
  insertGarbage: `INSERT OR REPLACE INTO garbage_blob (blob_id, since_hlc) VALUES (?, ?)`,
  anyVersion: `SELECT 1 FROM version LIMIT 1`,
  readState: `SELECT name, value FROM bucket_state`,
  writeState: `INSERT OR REPLACE INTO bucket_state (name, value) VALUES ('seq', ?), ('hlc', ?), ('nextDetailId', ?), ('objects', ?), ('versions', ?), ('bytes', ?), ('partBytes', ?), ('openUploads', ?), ('versioning', ?), ('closed', ?), ('crc', ?)`,
  firstLogSeq: `SELECT MIN(seq) FROM log`,
} as const;

/** Prepared statements of a writer's connection, by name. */
export type WriterStatements = { readonly [Name in keyof typeof sql]: Statement };

/** Prepares every statement once. Who closes the connection finalises them first: SQLite waits for them. */
export function prepareWriterStatements(database: Database): WriterStatements {
  const prepared: Partial<Record<keyof typeof sql, Statement>> = {};
  for (const name of Object.keys(sql) as (keyof typeof sql)[]) prepared[name] = database.prepare(sql[name]);
  return prepared as WriterStatements;
}
