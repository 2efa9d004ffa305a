import { type Database, SQLiteError } from "bun:sqlite";
import { versionFlag } from "#kernel/protocol/mutation.ts";
import { type CatalogCounts, type CatalogFinding, damaged, renderPlace } from "./catalog-finding.ts";
import { checksumClosed, checksumDetail, checksumVersion } from "./row-checksum.ts";

/** What was seen of the versions of one table. */
export interface SeenVersions {
  details: number;
  maxHlc: number;
  maxDetailId: number;
  /** False when some rows could not be read: the numbers are too low. */
  isWhole: boolean;
}

interface VersionRecord {
  key: string;
  hlc: number;
  flags: number;
  sizeBytes: number;
  etag: string;
  versionId: string | null;
  detailId: number | null;
  fromSeq: number;
  attributes: string | null;
  crc: number;
  untilSeq: number;
  untilHlc: number;
}

interface DetailRecord {
  meta: string | null;
  detailCrc: number | null;
  body: Uint8Array | null;
}

const liveSql =
  "SELECT key, hlc, flags, size_bytes AS sizeBytes, etag, version_id AS versionId, detail_id AS detailId, from_seq AS fromSeq, attributes, crc, 0 AS untilSeq, 0 AS untilHlc FROM version ORDER BY key, hlc DESC";
const liveBackwardSql =
  "SELECT key, hlc, flags, size_bytes AS sizeBytes, etag, version_id AS versionId, detail_id AS detailId, from_seq AS fromSeq, attributes, crc, 0 AS untilSeq, 0 AS untilHlc FROM version ORDER BY key DESC, hlc";
const closedSql =
  "SELECT key, hlc, flags, size_bytes AS sizeBytes, etag, version_id AS versionId, detail_id AS detailId, from_seq AS fromSeq, attributes, crc, until_seq AS untilSeq, until_hlc AS untilHlc FROM closed_version ORDER BY row_id";
const closedBackwardSql =
  "SELECT key, hlc, flags, size_bytes AS sizeBytes, etag, version_id AS versionId, detail_id AS detailId, from_seq AS fromSeq, attributes, crc, until_seq AS untilSeq, until_hlc AS untilHlc FROM closed_version ORDER BY row_id DESC";
const detailSql = "SELECT meta, crc AS detailCrc, body FROM detail WHERE detail_id = ?";

/** Live versions, newest first within a key: rows, details, marks. Adds to `counts`. */
export function* verifyLive(database: Database, counts: CatalogCounts): Generator<CatalogFinding, SeenVersions> {
  let previousKey: string | undefined;
  let nullOfKey = false;
  return yield* visitAll(database, {
    ...{ forwardSql: liveSql, backwardSql: liveBackwardSql, isLive: true },
    *inOrder(row) {
      const isNewest = row.key !== previousKey;
      const isNull = (row.flags & versionFlag.nullVersion) !== 0;
      if (((row.flags & versionFlag.latest) !== 0) !== isNewest)
        yield damaged(`${name(row)}: its place among the versions is marked wrongly`);
      if (isNull && !isNewest && nullOfKey) yield damaged(`${name(row)}: two versions are named null`);
      nullOfKey = isNull || (!isNewest && nullOfKey);
      previousKey = row.key;
      const isMarker = (row.flags & versionFlag.marker) !== 0;
      if (isNewest && !isMarker) counts.objects += 1;
      counts.versions += Number(!isMarker);
      counts.bytes += row.sizeBytes;
    },
  });
}

/** The history. */
export function* verifyClosed(database: Database): Generator<CatalogFinding, SeenVersions> {
  return yield* visitAll(database, {
    ...{ forwardSql: closedSql, backwardSql: closedBackwardSql, isLive: false },
    *inOrder() {},
  });
}

/** How the versions of one table are read. */
interface Visit {
  readonly forwardSql: string;
  readonly backwardSql: string;
  readonly isLive: boolean;
  /** Looks at a row as the successor of the one before. */
  inOrder(row: VersionRecord): Generator<CatalogFinding, void>;
}

/** All rows; where a page cannot be read those before it and, from the end backwards, those behind it. */
function* visitAll(
  database: Database,
  { forwardSql, backwardSql, isLive, inOrder }: Visit,
): Generator<CatalogFinding, SeenVersions> {
  const seen: SeenVersions = { details: 0, maxHlc: 0, maxDetailId: 0, isWhole: true };
  const table = isLive ? "versions" : "history";
  let last: VersionRecord | undefined;
  try {
    for (const row of database.query<VersionRecord, []>(forwardSql).iterate()) {
      yield* inOrder(row);
      yield* visit(database, row, { seen, isLive });
      last = row;
    }
    return seen;
  } catch (error) {
    if (!(error instanceof SQLiteError)) throw error;
    yield damaged(`The ${table} behind ${last ? name(last) : "the beginning"} cannot be read: ${error.message}`);
    seen.isWhole = false;
  }
  try {
    for (const row of database.query<VersionRecord, []>(backwardSql).iterate()) {
      if (row.key === last?.key && row.hlc === last.hlc) break;
      yield* visit(database, row, { seen, isLive });
    }
  } catch (error) {
    if (!(error instanceof SQLiteError)) throw error;
  }
  return seen;
}

/** Only a row that fits its checksum is followed to its bytes: in a damaged one even the types may be wrong. */
function* visit(
  database: Database,
  row: VersionRecord,
  { seen, isLive }: { readonly seen: SeenVersions; readonly isLive: boolean },
): Generator<CatalogFinding, void> {
  const { key, hlc, flags, sizeBytes, detailId } = row;
  const crc = isLive ? checksumVersion(row) : checksumClosed(row, row.untilSeq, row.untilHlc);
  seen.details += Number(detailId !== null);
  if (row.crc !== crc) {
    yield damaged(`${name(row)}: its row does not fit its checksum`);
    return;
  }
  seen.maxHlc = Math.max(seen.maxHlc, hlc, row.untilHlc);
  seen.maxDetailId = Math.max(seen.maxDetailId, detailId ?? 0);
  const isMarker = (flags & versionFlag.marker) !== 0;
  if (isMarker !== (detailId === null)) yield damaged(`${name(row)}: a marker with bytes, or a version without`);
  const found = readDetail(database, detailId);
  if (typeof found === "string") {
    yield damaged(`${name(row)}: ${found}`);
    return;
  }
  const { meta, body } = found;
  const problem = detailId === null ? undefined : findDetailProblem(found, detailId);
  if (problem !== undefined) yield damaged(`${name(row)}: ${problem}`);
  else yield { kind: "version", version: { key, hlc, flags, sizeBytes, isLive, detailId, meta, body } };
}

/** The detail of a version, empty when there is none, or why it cannot be read. */
function readDetail(database: Database, detailId: number | null): DetailRecord | string {
  const none = { meta: null, detailCrc: null, body: null };
  if (detailId === null) return none;
  try {
    return database.query<DetailRecord, [number]>(detailSql).get(detailId) ?? none;
  } catch (error) {
    if (!(error instanceof SQLiteError)) throw error;
    return `its detail cannot be read: ${error.message}`;
  }
}

function findDetailProblem({ meta, body, detailCrc }: DetailRecord, detailId: number): string | undefined {
  if (meta === null) return "its detail is missing";
  const fits = typeof meta === "string" && detailCrc === checksumDetail(detailId, meta);
  return fits && (body === null || body instanceof Uint8Array) ? undefined : "its detail does not fit its checksum";
}

/** How messages name a version. */
function name({ key, hlc, untilHlc }: VersionRecord): string {
  return renderPlace({ key, hlc, isLive: untilHlc === 0 });
}
