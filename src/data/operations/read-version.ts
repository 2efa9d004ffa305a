import type { ByteRange } from "#kernel/s3/byte-range.ts";
import type { ObjectVersion } from "../catalog/catalog.ts";
import { openInline } from "../crypto/inline-body.ts";
import type { DataPlane } from "../data-plane.ts";

/**
 * Verified plaintext of a range of a version, inline or over any number of blobs, in pieces that are valid until the
 * next one is asked for.
 * @param read `version` with its body, `dataKey` 32 bytes, `range` half-open
 * @throws DamagedBytesError before a damaged segment's bytes are handed out
 */
export async function* readVersion(
  plane: DataPlane,
  read: { bucketId: string; version: ObjectVersion; dataKey: Uint8Array; range: ByteRange },
): AsyncGenerator<Uint8Array, void, undefined> {
  const { bucketId, version, dataKey, range } = read;
  if (range.start >= range.end) return;
  if (version.body) {
    yield openInline(dataKey, version.body, version.sizeBytes).subarray(range.start, range.end);
    return;
  }
  const extents = await plane.catalog.readExtents(bucketId, version.detailId ?? 0, range);
  for (const { blobId, offsetBytes, sizeBytes } of extents) {
    const start = Math.max(0, range.start - offsetBytes);
    const end = Math.min(sizeBytes, range.end - offsetBytes);
    yield* plane.blobs.read({ bucketId, blobId, sizeBytes, dataKey, start, end });
  }
}
