import { Database, SQLiteError } from "bun:sqlite";
import { type StateName, stateNames, toNumbers } from "./bucket-state.ts";
import { type CatalogCounts, type CatalogFinding, damaged } from "./catalog-finding.ts";
import { decodeCommitRecord } from "./commit-record.ts";
import { hasSharedLists, readForm } from "./open-catalog.ts";
import { checksumPart, checksumState, checksumUpload, checksumUploadEnd } from "./row-checksum.ts";
import { formSteps, oldestSchemaVersion, schemaVersion, uploadState } from "./schema.ts";
import { type SeenVersions, verifyClosed, verifyLive } from "./verify-versions.ts";

/**
 * Reads every row of a catalog and compares all that is stored twice: SQLite's own structure, row checksums, counters
 * against a recount, details against versions, the log's numbers. Reads only. A page that cannot be read is a finding, and
 * the rest is read all the same; what can only be compared as a whole is then left out.
 */
export function* verifyCatalog(database: Database): Generator<CatalogFinding, void> {
  const isReadable = yield* goOn("The catalog", verifyFile(database));
  if (isReadable !== true) return;
  const counts: CatalogCounts = { objects: 0, versions: 0, bytes: 0, partBytes: 0, openUploads: 0 };
  const live = yield* verifyLive(database, counts);
  const closed = yield* verifyClosed(database);
  const uploads = yield* goOn("The list of uploads", verifyUploads(database, counts));
  const isWhole = live.isWhole && closed.isWhole && uploads !== undefined;
  const state = yield* goOn("The numbers of the bucket", verifyState(database, isWhole ? counts : undefined));
  if (state !== undefined) yield* goOn("The log", verifyLog(database, state.seq));
  if (state !== undefined && isWhole) yield* goOn("The details", verifyDetails(database, { live, closed, state }));
  yield { kind: "counted", counts };
}

/** The findings of one part, and one more where it cannot be read to its end. @returns undefined in that case */
function* goOn<T>(what: string, part: Generator<CatalogFinding, T>): Generator<CatalogFinding, T | undefined> {
  try {
    return yield* part;
  } catch (error) {
    if (!(error instanceof SQLiteError)) throw error;
    yield damaged(`${what} cannot be read to the end: ${error.message}`);
    return undefined;
  }
}

const ownExtentsWithoutDetail = "SELECT count(*) FROM extent WHERE detail_id NOT IN (SELECT detail_id FROM detail)";
/** A shared list outlives the detail it was made for, but has no extent beyond those that its sharers have. */
const sharedExtentsWithoutDetail =
  "SELECT count(*) FROM extent e LEFT JOIN (SELECT list_id, MAX(extents) AS extents FROM extent_share GROUP BY list_id) s ON s.list_id = e.detail_id WHERE CASE WHEN s.list_id IS NULL THEN e.detail_id NOT IN (SELECT detail_id FROM detail) ELSE e.ordinal >= s.extents END";
const sharesWithoutDetail = "SELECT count(*) FROM extent_share WHERE detail_id NOT IN (SELECT detail_id FROM detail)";

/** What the versions and the state say of the details. */
interface SeenDetails {
  readonly live: SeenVersions;
  readonly closed: SeenVersions;
  readonly state: Readonly<Record<StateName, number>>;
}

function* verifyDetails(database: Database, { live, closed, state }: SeenDetails): Generator<CatalogFinding, void> {
  const details = countRows(database, "SELECT count(*) FROM detail");
  if (details !== live.details + closed.details)
    yield damaged(`${details} details for ${live.details + closed.details} versions`);
  const isShared = hasSharedLists(database);
  const extents = countRows(database, isShared ? sharedExtentsWithoutDetail : ownExtentsWithoutDetail);
  if (extents > 0) yield damaged(`${extents} extents without a detail`);
  if (isShared) {
    const shares = countRows(database, sharesWithoutDetail);
    if (shares > 0) yield damaged(`${shares} shares of lists without a detail`);
  }
  if (Math.max(live.maxHlc, closed.maxHlc) > state.hlc) yield damaged("A version is newer than the newest commit");
  if (Math.max(live.maxDetailId, closed.maxDetailId) >= state.nextDetailId)
    yield damaged("A detail has a number that was not given out yet");
}

/** @returns false when tables are not what the rest of the verification expects */
function* verifyFile(database: Database): Generator<CatalogFinding, boolean> {
  yield* goOn("The structure", verifyStructure(database));
  const form = readForm(database);
  if (form === 0) {
    yield damaged("The catalog is empty or damaged, it has form 0: restore the folder of the bucket from a backup");
    return false;
  }
  if (form < oldestSchemaVersion || form > schemaVersion)
    yield damaged(`The catalog has form ${form}, wanted ${oldestSchemaVersion} to ${schemaVersion}`);
  const pristine = new Database(":memory:");
  try {
    for (const step of formSteps.slice(0, form)) pristine.exec(step);
    if (readSchema(database) === readSchema(pristine)) return true;
    yield damaged("The schema is not the one of this form");
    return false;
  } finally {
    pristine.close();
  }
}

/** SQLite tells what it finds row by row, and then fails at the first page that is no page of a tree. */
function* verifyStructure(database: Database): Generator<CatalogFinding, true> {
  const rows = database.query<{ integrity_check: string }, []>("PRAGMA integrity_check(100)").iterate();
  for (const { integrity_check: message } of rows) if (message !== "ok") yield damaged(`SQLite: ${message}`);
  return true;
}

function readSchema(database: Database): string {
  return JSON.stringify(
    database.query("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name").values(),
  );
}

interface UploadRecord {
  uploadId: string;
  key: string;
  initiatedHlc: number;
  meta: string;
  state: number;
  crc: number;
  fingerprint: string | null;
  answer: string | null;
  endedHlc: number | null;
}

interface PartRecord {
  uploadId: string;
  partNumber: number;
  blobId: string;
  sizeBytes: number;
  etag: string;
  checksum: string | null;
  hlc: number;
  crc: number;
}

function* verifyUploads(database: Database, counts: CatalogCounts): Generator<CatalogFinding, true> {
  const uploads = database
    .query<UploadRecord, []>(
      "SELECT upload_id AS uploadId, key, initiated_hlc AS initiatedHlc, meta, state, crc, fingerprint, answer, ended_hlc AS endedHlc FROM upload",
    )
    .iterate();
  const listParts = database.query<PartRecord, [string]>(
    "SELECT upload_id AS uploadId, part_number AS partNumber, blob_id AS blobId, size_bytes AS sizeBytes, etag, checksum, hlc, crc FROM part WHERE upload_id = ? ORDER BY part_number",
  );
  let partCount = 0;
  for (const upload of uploads) {
    const { uploadId, key, meta, state } = upload;
    if (upload.crc !== checksumWhole(upload)) yield damaged(`Upload ${uploadId}: its row does not fit its checksum`);
    if (state === uploadState.open) counts.openUploads += 1;
    for (const part of listParts.all(uploadId)) {
      partCount += 1;
      if (state !== uploadState.open) yield damaged(`Upload ${uploadId}: it has ended and still has parts`);
      counts.partBytes += part.sizeBytes;
      if (part.crc !== checksumPart(part) || upload.crc !== checksumWhole(upload)) {
        yield damaged(`Upload ${uploadId}: part ${part.partNumber} does not fit its checksum`);
        continue;
      }
      const { partNumber, blobId, sizeBytes, etag } = part;
      yield { kind: "part", part: { uploadId, key, meta, partNumber, blobId, sizeBytes, etag } };
    }
  }
  const parts = countRows(database, "SELECT count(*) FROM part");
  if (parts !== partCount) yield damaged(`${parts - partCount} parts without an upload`);
  return true;
}

function checksumWhole(upload: UploadRecord): number {
  const { state, fingerprint, answer, endedHlc } = upload;
  const begin = checksumUpload(upload);
  if (state === uploadState.open && fingerprint === null && answer === null && endedHlc === null) return begin;
  return begin + checksumUploadEnd({ fingerprint: fingerprint ?? "", answer: answer ?? "", endedHlc: endedHlc ?? 0 });
}

/** @param counts the recount; undefined when it is not whole */
function* verifyState(
  database: Database,
  counts: CatalogCounts | undefined,
): Generator<CatalogFinding, Readonly<Record<StateName, number>>> {
  const rows = readState(database);
  const state = toNumbers(rows);
  const byName = new Map(rows);
  const crc = checksumState(stateNames.map((each) => state[each]));
  const isReadableFrom = byName.get("min_reader") === readForm(database);
  const isUntouched = byName.size === 1 && isReadableFrom;
  if (!isUntouched && byName.get("crc") !== crc) yield damaged("The numbers of the bucket do not fit their checksum");
  if (!isReadableFrom) yield damaged("The oldest readable form is not the one of this form");
  const known = new Set<string>([...stateNames, "crc", "min_reader"]);
  for (const each of byName.keys()) if (!known.has(each)) yield damaged(`The bucket has an unknown number "${each}"`);
  if (counts === undefined) return state;
  for (const each of ["objects", "versions", "bytes", "partBytes", "openUploads"] as const) {
    if (state[each] !== counts[each])
      yield { kind: "drifted", text: `${each} is ${state[each]}, counted ${counts[each]}` };
  }
  return state;
}

function readState(database: Database): [name: string, value: number][] {
  return database.query("SELECT name, value FROM bucket_state").values() as [string, number][];
}

interface LogRecord {
  kind: string;
  seq: number;
  hlc: number;
  key: string;
  versionId: string | null;
  record: Uint8Array;
}

/** Records are cut from the oldest on; what is left ends with the newest commit and has no gap. */
function* verifyLog(database: Database, seq: number): Generator<CatalogFinding, void> {
  let previous: number | undefined;
  for (const row of database
    .query<LogRecord, []>("SELECT seq, hlc, kind, key, version_id AS versionId, record FROM log ORDER BY seq")
    .iterate()) {
    if (previous !== undefined && row.seq !== previous + 1)
      yield damaged(`The log has a gap between ${previous} and ${row.seq}`);
    previous = row.seq;
    const wrong = findRecordProblem(row);
    if (wrong !== undefined) yield damaged(`Log record ${row.seq}: ${wrong}`);
  }
  if (previous !== undefined && previous !== seq)
    yield damaged(`The log ends at ${previous}, the newest commit is ${seq}`);
}

function findRecordProblem(row: LogRecord): string | undefined {
  try {
    const header = decodeCommitRecord(row.record);
    const fits =
      header["key"] === row.key &&
      header["hlc"] === row.hlc &&
      header["versionId"] === row.versionId &&
      header["kind"] === row.kind;
    return fits ? undefined : "its row and its record differ";
  } catch (error) {
    return error instanceof Error ? error.message : "it cannot be read";
  }
}

function countRows(database: Database, sql: string): number {
  return Number(database.query(sql).values()[0]?.[0]);
}
