import type { Database } from "bun:sqlite";
import { versionFlag } from "#kernel/protocol/mutation.ts";
import { type CatalogCounts, type CatalogFinding, damaged } from "./catalog-finding.ts";
import { checksumClosed, checksumDetail, checksumVersion } from "./row-checksum.ts";

/** What was seen of the versions of one table. */
export interface SeenVersions {
  details: number;
  maxHlc: number;
  maxDetailId: number;
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
  meta: string | null;
  detailCrc: number | null;
  body: Uint8Array | null;
}

const liveSql =
  "SELECT v.key, v.hlc, v.flags, v.size_bytes AS sizeBytes, v.etag, v.version_id AS versionId, v.detail_id AS detailId, v.from_seq AS fromSeq, v.attributes, v.crc, 0 AS untilSeq, 0 AS untilHlc, d.meta, d.crc AS detailCrc, d.body FROM version v LEFT JOIN detail d ON d.detail_id = v.detail_id ORDER BY v.key, v.hlc DESC";
const closedSql =
  "SELECT v.key, v.hlc, v.flags, v.size_bytes AS sizeBytes, v.etag, v.version_id AS versionId, v.detail_id AS detailId, v.from_seq AS fromSeq, v.attributes, v.crc, v.until_seq AS untilSeq, v.until_hlc AS untilHlc, d.meta, d.crc AS detailCrc, d.body FROM closed_version v LEFT JOIN detail d ON d.detail_id = v.detail_id ORDER BY v.row_id";

/** Live versions, newest first within a key: rows, details, marks. Adds to `counts`. */
export function* verifyLive(database: Database, counts: CatalogCounts): Generator<CatalogFinding, SeenVersions> {
  const seen: SeenVersions = { details: 0, maxHlc: 0, maxDetailId: 0 };
  let previousKey: string | undefined;
  let nullOfKey = false;
  for (const row of database.query<VersionRecord, []>(liveSql).iterate()) {
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
    yield* visit(row, seen, true);
  }
  return seen;
}

/** The history. */
export function* verifyClosed(database: Database): Generator<CatalogFinding, SeenVersions> {
  const seen: SeenVersions = { details: 0, maxHlc: 0, maxDetailId: 0 };
  for (const row of database.query<VersionRecord, []>(closedSql).iterate()) yield* visit(row, seen, false);
  return seen;
}

/** Only a row that fits its checksum is followed to its bytes: in a damaged one even the types may be wrong. */
function* visit(row: VersionRecord, seen: SeenVersions, isLive: boolean): Generator<CatalogFinding, void> {
  const { key, hlc, flags, sizeBytes, detailId, meta, body } = row;
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
  const problem = detailId === null ? undefined : findDetailProblem(row, detailId);
  if (problem !== undefined) yield damaged(`${name(row)}: ${problem}`);
  else yield { kind: "version", version: { key, hlc, flags, sizeBytes, isLive, detailId, meta, body } };
}

function findDetailProblem({ meta, body, detailCrc }: VersionRecord, detailId: number): string | undefined {
  if (meta === null) return "its detail is missing";
  const fits = typeof meta === "string" && detailCrc === checksumDetail(detailId, meta);
  return fits && (body === null || body instanceof Uint8Array) ? undefined : "its detail does not fit its checksum";
}

/** How messages name a version. */
function name(row: { readonly key: string; readonly hlc: number }): string {
  return `${JSON.stringify(row.key)} (${row.hlc})`;
}
