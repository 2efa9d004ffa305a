import type { LinkedPart } from "#kernel/protocol/mutation.ts";
import type { DataPlane } from "../data-plane.ts";

/** Links made at once: each waits for a sync of its folder. */
const linksAtOnce = 16;
/** Most extents of a version: parts of an upload, or appends. */
const maxExtents = 20_000;

/**
 * Links all blobs of a version into another bucket's folder, durably. Nothing names them there before the commit; links
 * that no commit follows are left to the check of the data folder.
 * @returns the extents as the commit wants them, in order
 */
export async function linkExtents(
  plane: DataPlane,
  link: { fromBucketId: string; toBucketId: string; detailId: number },
): Promise<readonly LinkedPart[]> {
  const { fromBucketId, toBucketId, detailId } = link;
  const extents = await plane.catalog.listExtents(fromBucketId, detailId, { marker: 0, limit: maxExtents });
  for (let start = 0; start < extents.length; start += linksAtOnce) {
    const some = extents.slice(start, start + linksAtOnce);
    await Promise.all(some.map(({ blobId }) => plane.blobs.linkTo(fromBucketId, blobId, toBucketId)));
  }
  return extents.map(({ partNumber, sizeBytes, blobId, checksum }) => ({ partNumber, sizeBytes, blobId, checksum }));
}
