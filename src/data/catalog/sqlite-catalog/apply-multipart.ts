import type {
  AbortUploadMutation,
  CompleteUploadMutation,
  CreateUploadMutation,
  ListedPart,
  MutationSuccess,
  PutPartMutation,
} from "#kernel/protocol/mutation.ts";
import type { WriteConditions } from "#kernel/s3/conditional-request.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import { hasPartChecksum } from "../../multipart/part-checksum.ts";
import { hlcToMs } from "../version-id.ts";
import { checkWriteConditions } from "./apply-put.ts";
import type { CommitContext } from "./bucket-writer.ts";
import { requireQuota, versionGrowth } from "./require-quota.ts";
import { checksumDetail, checksumPart, checksumUpload, checksumUploadEnd } from "./row-checksum.ts";
import { uploadState } from "./schema.ts";
import { addVersion, findNewest, writeLog } from "./version-rows.ts";

/** What a completion answered, and under which conditions. */
interface KeptAnswer extends MutationSuccess {
  readonly conditions?: WriteConditions;
}

type UploadRow = [
  key: string,
  initiatedHlc: number,
  state: number,
  touched: number,
  fingerprint: string | null,
  answer: string | null,
];
type PartRow = [partNumber: number, blobId: string, sizeBytes: number, etag: string, checksum: string | null];

/** Opens an upload; its place in the order is the time it was initiated. */
export function applyCreateUpload(context: CommitContext, mutation: CreateUploadMutation): MutationSuccess {
  const hlc = context.state.nextHlc(context.clock.nowMs());
  const { uploadId, key, meta } = mutation;
  context.statements.insertUpload.run(
    uploadId,
    key,
    hlc,
    meta,
    checksumUpload({ uploadId, key, initiatedHlc: hlc, meta }),
  );
  context.state.now.openUploads += 1;
  return success(context, hlc);
}

/** @throws S3Error NoSuchUpload when the upload is not open or belongs to another key, QuotaExceeded */
export function applyPutPart(context: CommitContext, mutation: PutPartMutation): MutationSuccess {
  const { state, statements } = context;
  const { uploadId, partNumber, blob } = mutation;
  requireOpenUpload(context, uploadId, mutation.key);
  const [old] = statements.findPart.values(uploadId, partNumber) as [blobId: string, sizeBytes: number][];
  requireQuota(context, mutation.quota, { bytes: blob.sizeBytes - (old?.[1] ?? 0), objects: 0 });
  const hlc = state.nextHlc(context.clock.nowMs());
  if (old) {
    statements.insertGarbage.run(old[0], hlc);
    state.now.partBytes -= old[1];
  }
  const { checksum, etag } = mutation;
  const crc = checksumPart({ uploadId, partNumber, ...blob, etag, checksum, hlc });
  statements.replacePart.run(uploadId, partNumber, blob.blobId, blob.sizeBytes, etag, checksum, hlc, crc);
  state.now.partBytes += blob.sizeBytes;
  return success(context, hlc);
}

/**
 * Makes the version an upload describes: O(parts), no byte is copied. The same completion repeated answers the same; conditions
 * that it did not have before are judged now.
 * @throws S3Error NoSuchUpload, InvalidPart, EntityTooSmall, PreconditionFailed, ConditionalRequestConflict,
 * QuotaExceeded (objects)
 */
export function applyCompleteUpload(context: CommitContext, mutation: CompleteUploadMutation): MutationSuccess {
  const { state, statements } = context;
  const { uploadId, key, sizeBytes, etag, flags, meta, attributes, requestId, principal } = mutation;
  const upload = findUpload(context, uploadId, key);
  if (upload[2] === uploadState.completed) return repeatAnswer(context, upload, mutation);
  const newest = findNewest(context, key);
  checkWriteConditions(mutation, newest);
  if (mutation.conditions && upload[3] === 1) throw new S3Error("ConditionalRequestConflict", { fields: { Key: key } });
  const unlisted = matchParts(context, mutation);
  if (mutation.quota) {
    // The parts were counted when they came; what is not listed goes.
    const { objects } = versionGrowth(context, mutation, newest);
    requireQuota(context, mutation.quota, { bytes: 0, objects });
  }
  const garbageHlc = state.now.hlc;
  for (const part of unlisted) {
    statements.insertGarbage.run(part[1], garbageHlc);
    statements.deletePart.run(uploadId, part[0]);
    state.now.partBytes -= part[2];
  }
  const detailId = state.nextDetailId();
  statements.insertDetail.run(detailId, meta, checksumDetail(detailId, meta), null);
  statements.extentsFromParts.run(detailId, uploadId);
  statements.deleteParts.run(uploadId);
  state.now.partBytes -= sizeBytes;
  state.now.openUploads -= 1;
  const { hlc, versionId, seq } = addVersion(context, { key, flags, sizeBytes, etag, detailId, attributes }, newest);
  const answer: MutationSuccess = { ok: true, versionId, hlc, deleteMarker: false, etag, seq };
  const { fingerprint } = mutation;
  const kept = JSON.stringify({ ...answer, meta, sizeBytes, conditions: mutation.conditions ?? undefined });
  statements.endUpload.run(
    fingerprint,
    kept,
    hlc,
    checksumUploadEnd({ fingerprint, answer: kept, endedHlc: hlc }),
    uploadId,
  );
  const record = {
    key,
    versionId,
    hlc,
    sizeBytes,
    etag,
    flags,
    meta,
    attributes,
    detailId,
    requestId,
    principal,
    uploadId,
  };
  writeLog(context, { seq, hlc, kind: "put", key, versionId, record });
  return answer;
}

/** @throws S3Error NoSuchUpload, PreconditionFailed (initiated at another time) */
export function applyAbortUpload(context: CommitContext, mutation: AbortUploadMutation): MutationSuccess {
  const [, initiatedHlc] = requireOpenUpload(context, mutation.uploadId, mutation.key);
  const initiatedMs = Math.floor(hlcToMs(initiatedHlc) / 1000) * 1000;
  if (mutation.ifInitiatedMs !== null && mutation.ifInitiatedMs !== initiatedMs) {
    throw new S3Error("PreconditionFailed", { fields: { Condition: "x-amz-if-match-initiated-time" } });
  }
  abortUpload(context, mutation.uploadId);
  return success(context, context.state.now.hlc);
}

/** Frees the parts of an open upload and forgets it. */
export function abortUpload(context: Pick<CommitContext, "state" | "statements" | "clock">, uploadId: string): void {
  const { state, statements } = context;
  const hlc = state.nextHlc(context.clock.nowMs());
  for (const [, , sizeBytes] of statements.listParts.values(uploadId) as PartRow[]) state.now.partBytes -= sizeBytes;
  statements.partsToGarbage.run(hlc, uploadId);
  statements.deleteParts.run(uploadId);
  statements.deleteUpload.run(uploadId);
  state.now.openUploads -= 1;
}

function findUpload(context: CommitContext, uploadId: string, key: string): UploadRow {
  const [row] = context.statements.findUpload.values(uploadId) as UploadRow[];
  if (!row || row[0] !== key) throw noSuchUpload(uploadId);
  return row;
}

function requireOpenUpload(context: CommitContext, uploadId: string, key: string): UploadRow {
  const row = findUpload(context, uploadId, key);
  if (row[2] !== uploadState.open) throw noSuchUpload(uploadId);
  return row;
}

/** Conditions that the first completion came with held when it was made; others have to hold now. */
function repeatAnswer(context: CommitContext, upload: UploadRow, mutation: CompleteUploadMutation): MutationSuccess {
  if (upload[4] !== mutation.fingerprint || upload[5] === null) throw noSuchUpload(mutation.uploadId);
  const { conditions, ...answer }: KeptAnswer = JSON.parse(upload[5]);
  if (JSON.stringify(mutation.conditions ?? undefined) !== JSON.stringify(conditions))
    checkWriteConditions(mutation, findNewest(context, mutation.key));
  return answer;
}

/** Checks the listed parts against the stored ones; gives back those that were uploaded but not listed. */
function matchParts(context: CommitContext, mutation: CompleteUploadMutation): PartRow[] {
  const stored = new Map<number, PartRow>();
  for (const row of context.statements.listParts.values(mutation.uploadId) as PartRow[]) stored.set(row[0], row);
  let sizeBytes = 0;
  const last = mutation.parts.length - 1;
  for (const [index, part] of mutation.parts.entries()) {
    const row = stored.get(part.partNumber);
    if (!row || row[3] !== part.etag || !hasPartChecksum(row[4], part.checksum)) throw invalidPart(mutation, part);
    if (index < last && row[2] < context.minPartBytes) throw tooSmall(context, row);
    sizeBytes += row[2];
    stored.delete(part.partNumber);
  }
  if (sizeBytes !== mutation.sizeBytes) throw new S3Error("InvalidPart", { fields: { UploadId: mutation.uploadId } });
  return [...stored.values()];
}

function invalidPart(mutation: CompleteUploadMutation, part: ListedPart): S3Error {
  return new S3Error("InvalidPart", {
    fields: { UploadId: mutation.uploadId, PartNumber: part.partNumber, ETag: part.etag },
  });
}

function tooSmall(context: CommitContext, row: PartRow): S3Error {
  const fields = { ProposedSize: row[2], MinSizeAllowed: context.minPartBytes, PartNumber: row[0], ETag: row[3] };
  return new S3Error("EntityTooSmall", { fields });
}

function noSuchUpload(uploadId: string): S3Error {
  return new S3Error("NoSuchUpload", { fields: { UploadId: uploadId } });
}

function success(context: CommitContext, hlc: number): MutationSuccess {
  return { ok: true, versionId: null, hlc, deleteMarker: false, etag: null, seq: context.state.now.seq };
}
