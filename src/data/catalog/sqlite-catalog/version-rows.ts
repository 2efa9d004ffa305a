import { versionFlag } from "#kernel/protocol/mutation.ts";
import { makeVersionId } from "../version-id.ts";
import { versioningState } from "./bucket-state.ts";
import type { CommitContext } from "./bucket-writer.ts";
import { encodeCommitRecord } from "./commit-record.ts";
import { checksumVersion } from "./row-checksum.ts";
import type { VersionRow } from "./statements.ts";

/** What a new version consists of; the place in the order and the id are decided here. */
export interface NewVersion {
  readonly key: string;
  /** Bits beside `latest` and `nullVersion`. */
  readonly flags: number;
  readonly sizeBytes: number;
  readonly etag: string;
  /** Null for delete markers. */
  readonly detailId: number | null;
  readonly attributes: string | null;
}

/** The newest live version of a key, marker or not. */
export function findNewest(context: CommitContext, key: string): VersionRow | undefined {
  return context.statements.newestVersion.values(key)[0] as VersionRow | undefined;
}

/** True when a GET without versionId finds an object. */
export function isVisible(row: VersionRow | undefined): boolean {
  return row !== undefined && (row[1] & versionFlag.marker) === 0;
}

/**
 * Adds a version on top of `newest`, by the bucket's versioning: enabled keeps what was, otherwise the `null` version is
 * replaced. Counters follow.
 * @returns place in the order, id (null where the bucket was never versioned), commit number
 */
export function addVersion(
  context: CommitContext,
  version: NewVersion,
  newest: VersionRow | undefined,
): { hlc: number; versionId: string | null; seq: number } {
  const { state, statements } = context;
  const seq = state.nextSeq();
  const hlc = state.nextHlc(context.clock.nowMs());
  const versioning = state.now.versioning;
  const keepsOld = versioning === versioningState.enabled;
  const replaced = keepsOld ? undefined : findNull(context, version.key, newest);
  if (replaced) closeVersion(context, { key: version.key, row: replaced, seq, hlc });
  if (newest && newest !== replaced) statements.setFlags.run(newest[1] & ~versionFlag.latest, version.key, newest[0]);
  const versionId = keepsOld ? makeVersionId(hlc) : null;
  const flags = version.flags | versionFlag.latest | (keepsOld ? 0 : versionFlag.nullVersion);
  const { key, sizeBytes, etag, detailId, attributes } = version;
  const crc = checksumVersion({ key, hlc, flags, sizeBytes, etag, versionId, detailId, fromSeq: seq, attributes });
  statements.insertVersion.run(key, hlc, flags, sizeBytes, etag, versionId, detailId, seq, attributes, crc);
  const isMarker = (version.flags & versionFlag.marker) !== 0;
  state.now.objects += Number(!isMarker) - Number(isVisible(newest));
  if (!isMarker) {
    state.now.versions += 1;
    state.now.bytes += version.sizeBytes;
  }
  touchUploads(context, version.key);
  return { hlc, versionId: versioning === versioningState.never ? null : (versionId ?? "null"), seq };
}

/** Removes one live version for good (it stays in the history); the next one of its key becomes the newest. */
export function removeVersion(context: CommitContext, key: string, row: VersionRow): { seq: number; hlc: number } {
  const { state, statements } = context;
  const wasLatest = (row[1] & versionFlag.latest) !== 0;
  const seq = state.nextSeq();
  const hlc = state.nextHlc(context.clock.nowMs());
  closeVersion(context, { key, row, seq, hlc });
  if (wasLatest) {
    const next = findNewest(context, key);
    if (next) statements.setFlags.run(next[1] | versionFlag.latest, key, next[0]);
    state.now.objects += Number(isVisible(next)) - Number(isVisible(row));
  }
  touchUploads(context, key);
  return { seq, hlc };
}

/** Writes the commit record of a mutation; `record` becomes its header. */
export function writeLog(
  context: CommitContext,
  entry: {
    seq: number;
    hlc: number;
    kind: string;
    key: string;
    versionId: string | null;
    record: Record<string, unknown>;
  },
): void {
  context.statements.insertLog.run(
    entry.seq,
    entry.hlc,
    entry.kind,
    entry.key,
    entry.versionId,
    encodeCommitRecord({ kind: entry.kind, ...entry.record }),
  );
}

/** The version named `null`, which a new one replaces unless the bucket keeps all. */
export function findNull(context: CommitContext, key: string, newest: VersionRow | undefined): VersionRow | undefined {
  if (context.state.now.versioning === versioningState.never || newest === undefined) return newest;
  if (newest[1] & versionFlag.nullVersion) return newest;
  return context.statements.nullVersion.values(key)[0] as VersionRow | undefined;
}

function closeVersion(
  context: CommitContext,
  closing: { key: string; row: VersionRow; seq: number; hlc: number },
): void {
  const { key, row, seq, hlc } = closing;
  const [rowHlc, flags, sizeBytes] = row;
  const { state, statements } = context;
  statements.insertClosed.run(seq, hlc, key, rowHlc);
  statements.deleteVersion.run(key, rowHlc);
  if ((flags & versionFlag.marker) === 0) {
    state.now.versions -= 1;
    state.now.bytes -= sizeBytes;
  }
}

/** A conditional completion must notice that its key changed since the upload began. */
function touchUploads(context: CommitContext, key: string): void {
  if (context.state.now.openUploads > 0) context.statements.touchUploads.run(key);
}
