import { rmSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Clock } from "#kernel/base/clock.ts";
import { listBlobFiles, listBlobFolders } from "../blobs/disk-blobs/blob-files.ts";
import { blobsFolder } from "../blobs/disk-blobs/blob-path.ts";
import { abortUpload } from "../catalog/sqlite-catalog/apply-multipart.ts";
import { existsAt } from "../catalog/sqlite-catalog/file-id.ts";
import { bucketFolder, syncFolder } from "../catalog/sqlite-catalog/open-catalog.ts";
import type { GroupCommit } from "./group-commit.ts";

/** How long commits wait for files that are removed, ms. */
const removalStepMs = 20;

/**
 * Closes a bucket for ever: later mutations get NoSuchBucket. Emptiness is checked in the same transaction; open uploads
 * are aborted; the writer lets the file go. A bucket without a folder counts as closed; one whose folder is there without a catalog may hold objects.
 * @returns false when a version or marker is left
 * @throws CatalogUnavailableError
 */
export function closeBucketCatalog(options: {
  commits: GroupCommit;
  dataDir: string;
  bucketId: string;
  clock: Clock;
}): boolean {
  const { commits, dataDir, bucketId, clock } = options;
  if (!commits.hasOpened(bucketId) && !existsAt(bucketFolder(dataDir, bucketId))) return true;
  const writer = commits.writerOf(bucketId);
  writer.requireInPlace();
  if (!writer.closedForEver) {
    let empty = true;
    writer.inTransaction((state) => {
      empty = writer.statements.anyVersion.values().length === 0;
      if (!empty) return;
      for (const uploadId of listOpenUploads(writer.statements))
        abortUpload({ state, statements: writer.statements, clock }, uploadId);
      state.now.closed = 1;
    });
    if (!empty) return false;
  }
  commits.closeBucket(bucketId);
  return true;
}

/**
 * Removes the folder of a bucket whose deletion was committed elsewhere, for 20 ms at most: deleted objects may have left
 * millions of files, and commits wait. Repeating it is harmless.
 * @returns false when there is more to remove
 */
export function removeBucketCatalog(options: {
  commits: Pick<GroupCommit, "forgetBucket">;
  dataDir: string;
  bucketId: string;
  clock: Pick<Clock, "monotonicMs">;
}): boolean {
  const { commits, dataDir, bucketId, clock } = options;
  commits.forgetBucket(bucketId);
  const folder = bucketFolder(dataDir, bucketId);
  if (!existsAt(folder)) return true;
  const endMs = clock.monotonicMs() + removalStepMs;
  for (const blobFolder of listBlobFolders(dataDir, bucketId)) {
    for (const name of listBlobFiles(dataDir, bucketId, blobFolder)) {
      if (clock.monotonicMs() > endMs) return false;
      rmSync(join(blobsFolder(dataDir, bucketId), blobFolder, name), { recursive: true, force: true });
    }
    rmSync(join(blobsFolder(dataDir, bucketId), blobFolder), { recursive: true, force: true });
  }
  rmSync(folder, { recursive: true, force: true });
  syncFolder(dirname(folder));
  return true;
}

function* listOpenUploads(statements: { openUploads: { values(): unknown[][] } }): Generator<string> {
  for (;;) {
    const page = statements.openUploads.values() as [uploadId: string][];
    if (page.length === 0) return;
    for (const [uploadId] of page) yield uploadId;
  }
}
