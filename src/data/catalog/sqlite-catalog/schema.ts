/**
 * The schema of a bucket's `index.db`. Number of this form, kept in `user_version`; the oldest release form that can read
 * it is kept beside it (`min_reader` in `bucket_state`).
 */
export const schemaVersion = 2;

/** The oldest form that is read; the writer brings it to `schemaVersion` when it opens the catalog. */
export const oldestSchemaVersion = 1;

/**
 * Shapes, and why:
 * - `version` holds live versions only and is narrow: listings and look-ups touch few pages. Newest first within a key.
 * - `closed_version` is the history: rows leave `version` when they are superseded or removed, and are appended here with
 *   the commit that closed them. A key overwritten a million times costs a listing nothing.
 * - `detail` is appended: headers, wrapped key and inline body of a version. It never changes.
 * - `extent` lists the blobs of a version in order. Its rows are the reference counts of blobs: a blob is referenced while
 *   a row of `extent` or `part` names it, so there is no counter that could drift.
 * - `extent_share` is for appends and copies (form 2): versions have the first `extents` rows of one list, that of `list_id`,
 *   so either adds one row. A detail without a row here has the whole list of its own number.
 * - `log` has one commit record per mutation, gapless `seq`.
 * - `crc` of a row: see `row-checksum.ts`.
 * - `garbage_blob` lists blobs that lost a reference; the collector verifies that none is left before it removes a file.
 */
const firstFormSql = `
CREATE TABLE bucket_state (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE version (
  key TEXT NOT NULL,
  hlc INTEGER NOT NULL,
  flags INTEGER NOT NULL,
  size_bytes INTEGER NOT NULL,
  etag TEXT NOT NULL,
  version_id TEXT,
  detail_id INTEGER,
  from_seq INTEGER NOT NULL,
  attributes TEXT,
  crc INTEGER NOT NULL,
  PRIMARY KEY (key, hlc DESC)
) WITHOUT ROWID;
CREATE TABLE closed_version (
  row_id INTEGER PRIMARY KEY,
  key TEXT NOT NULL,
  hlc INTEGER NOT NULL,
  flags INTEGER NOT NULL,
  size_bytes INTEGER NOT NULL,
  etag TEXT NOT NULL,
  version_id TEXT,
  detail_id INTEGER,
  from_seq INTEGER NOT NULL,
  attributes TEXT,
  crc INTEGER NOT NULL,
  until_seq INTEGER NOT NULL,
  until_hlc INTEGER NOT NULL
);
CREATE TABLE detail (detail_id INTEGER PRIMARY KEY, meta TEXT NOT NULL, crc INTEGER NOT NULL, body BLOB);
CREATE TABLE extent (
  detail_id INTEGER NOT NULL,
  ordinal INTEGER NOT NULL,
  part_number INTEGER NOT NULL,
  offset_bytes INTEGER NOT NULL,
  size_bytes INTEGER NOT NULL,
  blob_id TEXT NOT NULL,
  checksum TEXT,
  PRIMARY KEY (detail_id, ordinal)
) WITHOUT ROWID;
CREATE INDEX extent_blob ON extent (blob_id);
CREATE TABLE upload (
  upload_id TEXT PRIMARY KEY,
  key TEXT NOT NULL,
  initiated_hlc INTEGER NOT NULL,
  meta TEXT NOT NULL,
  state INTEGER NOT NULL,
  touched INTEGER NOT NULL,
  crc INTEGER NOT NULL,
  fingerprint TEXT,
  answer TEXT,
  ended_hlc INTEGER
) WITHOUT ROWID;
CREATE INDEX upload_key ON upload (state, key, initiated_hlc);
CREATE TABLE part (
  upload_id TEXT NOT NULL,
  part_number INTEGER NOT NULL,
  blob_id TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  etag TEXT NOT NULL,
  checksum TEXT,
  hlc INTEGER NOT NULL,
  crc INTEGER NOT NULL,
  PRIMARY KEY (upload_id, part_number)
) WITHOUT ROWID;
CREATE INDEX part_blob ON part (blob_id);
CREATE TABLE garbage_blob (blob_id TEXT PRIMARY KEY, since_hlc INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE log (
  seq INTEGER PRIMARY KEY,
  hlc INTEGER NOT NULL,
  kind TEXT NOT NULL,
  key TEXT NOT NULL,
  version_id TEXT,
  record BLOB NOT NULL,
  targets TEXT
);
`;

const secondFormSql = `
CREATE TABLE extent_share (detail_id INTEGER PRIMARY KEY, list_id INTEGER NOT NULL, extents INTEGER NOT NULL);
CREATE INDEX extent_share_list ON extent_share (list_id, extents);
INSERT OR REPLACE INTO bucket_state (name, value) VALUES ('min_reader', 2);
PRAGMA user_version = 2;
`;

/** What makes each form of the one before it, from an empty file on: the first makes form 1. */
export const formSteps: readonly string[] = [
  `${firstFormSql}INSERT INTO bucket_state (name, value) VALUES ('min_reader', 1); PRAGMA user_version = 1;`,
  secondFormSql,
];

/** `upload.state`. An aborted upload has no row. */
export const uploadState = { open: 0, completed: 1 } as const;
