import { type DeleteMutation, type MutationSuccess, versionFlag } from "#kernel/protocol/mutation.ts";
import { evaluateDeleteConditions } from "#kernel/s3/conditional-request.ts";
import { hlcToMs, parseVersionId } from "../version-id.ts";
import { versioningState } from "./bucket-state.ts";
import type { CommitContext } from "./bucket-writer.ts";
import type { VersionRow } from "./statements.ts";
import { addVersion, findNewest, removeVersion, writeLog } from "./version-rows.ts";

/**
 * Deletes: without versionId by the bucket's versioning (removal, or a delete marker), with one exactly that version.
 * Absent keys and versions are success.
 * @throws S3Error PreconditionFailed
 */
export function applyDelete(context: CommitContext, mutation: DeleteMutation): MutationSuccess {
  if (mutation.versionId !== null) return deleteVersion(context, mutation, mutation.versionId);
  const newest = findNewest(context, mutation.key);
  if (checkConditions(mutation, newest) === "absent") return nothingRemoved(context, null);
  if (context.state.now.versioning !== versioningState.never) return addMarker(context, mutation, newest);
  if (!newest) return nothingRemoved(context, null);
  const { seq, hlc } = removeVersion(context, mutation.key, newest);
  logRemoval(context, mutation, { seq, hlc, versionId: null });
  return { ok: true, versionId: null, hlc, deleteMarker: false, etag: null, seq };
}

/** The live version that `versionId` names, `null` and foreign ids included. */
function findVersion(context: CommitContext, key: string, versionId: string): VersionRow | undefined {
  const { statements } = context;
  if (versionId === "null") return statements.nullVersion.values(key)[0] as VersionRow | undefined;
  const hlc = parseVersionId(versionId);
  if (hlc !== undefined) {
    const row = statements.versionAt.values(key, hlc)[0] as VersionRow | undefined;
    if (row?.[4] === versionId) return row;
  }
  return statements.versionNamed.values(key, versionId)[0] as VersionRow | undefined;
}

function deleteVersion(context: CommitContext, mutation: DeleteMutation, versionId: string): MutationSuccess {
  const row = findVersion(context, mutation.key, versionId);
  checkConditions(mutation, row);
  if (!row) return nothingRemoved(context, versionId);
  const deleteMarker = (row[1] & versionFlag.marker) !== 0;
  const { seq, hlc } = removeVersion(context, mutation.key, row);
  logRemoval(context, mutation, { seq, hlc, versionId });
  return { ok: true, versionId, hlc, deleteMarker, etag: null, seq };
}

function addMarker(context: CommitContext, mutation: DeleteMutation, newest: VersionRow | undefined): MutationSuccess {
  const { key, requestId, principal } = mutation;
  const marker = { key, flags: versionFlag.marker, sizeBytes: 0, etag: "", detailId: null, attributes: null };
  const { hlc, versionId, seq } = addVersion(context, marker, newest);
  writeLog(context, {
    seq,
    hlc,
    kind: "deleteMarker",
    key,
    versionId,
    record: { key, versionId, hlc, requestId, principal },
  });
  return { ok: true, versionId, hlc, deleteMarker: true, etag: null, seq };
}

function logRemoval(
  context: CommitContext,
  mutation: DeleteMutation,
  removed: { seq: number; hlc: number; versionId: string | null },
): void {
  const { key, requestId, principal } = mutation;
  const { seq, hlc, versionId } = removed;
  writeLog(context, {
    seq,
    hlc,
    kind: "removeVersion",
    key,
    versionId,
    record: { key, versionId, hlc, requestId, principal },
  });
}

function nothingRemoved(context: CommitContext, versionId: string | null): MutationSuccess {
  return {
    ok: true,
    versionId,
    hlc: context.state.now.hlc,
    deleteMarker: false,
    etag: null,
    seq: context.state.now.seq,
  };
}

function checkConditions(mutation: DeleteMutation, row: VersionRow | undefined): "proceed" | "absent" {
  if (!mutation.conditions) return "proceed";
  const [hlc, flags, sizeBytes, etag] = row ?? [0, 0, 0, ""];
  const isDeleteMarker = (flags & versionFlag.marker) !== 0;
  return evaluateDeleteConditions(
    mutation.conditions,
    row && { etag, isDeleteMarker, sizeBytes, lastModifiedMs: hlcToMs(hlc) },
  );
}
