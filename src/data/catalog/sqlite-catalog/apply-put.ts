import { type AppendTarget, type MutationSuccess, type PutMutation, versionFlag } from "#kernel/protocol/mutation.ts";
import { evaluateWriteConditions } from "#kernel/s3/conditional-request.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import type { CommitContext } from "./bucket-writer.ts";
import { appendToList, shareList } from "./extent-lists.ts";
import { requireQuota, versionGrowth } from "./require-quota.ts";
import { checksumDetail } from "./row-checksum.ts";
import type { VersionRow } from "./statements.ts";
import { addVersion, findNewest, isVisible, writeLog } from "./version-rows.ts";

/**
 * Stores a version whose bytes are already safe (inline in the batch, or in a synced blob).
 * @throws S3Error PreconditionFailed, NoSuchKey (If-Match on an absent key, or a copy's source that is gone),
 * InvalidWriteOffset, QuotaExceeded, OperationAborted (bytes to share were freed meanwhile)
 */
export function applyPut(context: CommitContext, mutation: PutMutation): MutationSuccess {
  const newest = findNewest(context, mutation.key);
  checkWriteConditions(mutation, newest);
  if (mutation.appendTo) checkAppend(mutation.appendTo, newest);
  if (mutation.quota) requireQuota(context, mutation.quota, versionGrowth(context, mutation, newest));
  const detailId = context.state.nextDetailId();
  storeBytes(context, mutation, detailId);
  const { key, sizeBytes, etag, flags, meta, requestId, principal } = mutation;
  // Tags may have changed since the appender read them.
  const attributes = mutation.appendTo && newest && isVisible(newest) ? newest[7] : mutation.attributes;
  const { hlc, versionId, seq } = addVersion(context, { key, flags, sizeBytes, etag, detailId, attributes }, newest);
  const record = { key, versionId, hlc, sizeBytes, etag, flags, meta, attributes, detailId, requestId, principal };
  writeLog(context, { seq, hlc, kind: "put", key, versionId, record });
  return { ok: true, versionId, hlc, deleteMarker: false, etag, seq };
}

/** @throws S3Error when the current version does not meet the request's conditions; a marker counts as absent. */
export function checkWriteConditions(
  mutation: Pick<PutMutation, "conditions" | "key">,
  newest: VersionRow | undefined,
): void {
  if (!mutation.conditions) return;
  const current = newest && { etag: newest[3], isDeleteMarker: (newest[1] & versionFlag.marker) !== 0 };
  evaluateWriteConditions(mutation.conditions, current, mutation.key);
}

function checkAppend({ hlc }: AppendTarget, newest: VersionRow | undefined): void {
  const found = newest && isVisible(newest) ? newest[0] : null;
  if (found !== hlc) throw new S3Error("InvalidWriteOffset");
}

function storeBytes(context: CommitContext, mutation: PutMutation, detailId: number): void {
  const { statements } = context;
  const { bytes, meta } = mutation;
  const crc = checksumDetail(detailId, meta);
  switch (bytes.kind) {
    case "inline": {
      const [offset, length] = bytes.slice;
      statements.insertDetail.run(detailId, meta, crc, context.bytes.subarray(offset, offset + length));
      return;
    }
    case "blob":
      statements.insertDetail.run(detailId, meta, crc, null);
      statements.insertExtent.run(detailId, 0, 1, 0, bytes.blob.sizeBytes, bytes.blob.blobId, null);
      return;
    case "share":
      if (statements.copyDetail.run(detailId, meta, crc, bytes.detailId).changes !== 1)
        throw new S3Error("NoSuchKey", { fields: { Key: mutation.key } });
      shareList(statements, bytes.detailId, detailId);
      return;
    case "linked": {
      // Links made from a worker have no row yet that would keep the collector from removing them.
      if (!bytes.parts.every((part) => context.hasBlob(part.blobId))) throw new S3Error("OperationAborted");
      statements.insertDetail.run(detailId, meta, crc, null);
      let offset = 0;
      for (const [ordinal, part] of bytes.parts.entries()) {
        statements.insertExtent.run(
          detailId,
          ordinal,
          part.partNumber,
          offset,
          part.sizeBytes,
          part.blobId,
          part.checksum,
        );
        offset += part.sizeBytes;
      }
      return;
    }
    case "append":
      if (!appendToList(statements, detailId, bytes)) throw new S3Error("OperationAborted");
      statements.insertDetail.run(detailId, meta, crc, null);
  }
}
