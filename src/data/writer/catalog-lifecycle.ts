import { rmSync } from "node:fs";
import { dirname } from "node:path";
import type { Clock } from "#kernel/base/clock.ts";
import { abortUpload } from "../catalog/sqlite-catalog/apply-multipart.ts";
import { existsAt } from "../catalog/sqlite-catalog/file-id.ts";
import { bucketFolder, syncFolder } from "../catalog/sqlite-catalog/open-catalog.ts";
import type { GroupCommit } from "./group-commit.ts";

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

/** Removes the folder of a bucket whose deletion was committed elsewhere. Repeating it is harmless. */
export function removeBucketCatalog(commits: GroupCommit, dataDir: string, bucketId: string): void {
  commits.forgetBucket(bucketId);
  const folder = bucketFolder(dataDir, bucketId);
  if (!existsAt(folder)) return;
  rmSync(folder, { recursive: true, force: true });
  syncFolder(dirname(folder));
}

function* listOpenUploads(statements: { openUploads: { values(): unknown[][] } }): Generator<string> {
  for (;;) {
    const page = statements.openUploads.values() as [uploadId: string][];
    if (page.length === 0) return;
    for (const [uploadId] of page) yield uploadId;
  }
}
