import type { Database } from "bun:sqlite";

/** Whether a row of a version or of an open upload names a blob: then its file is needed. One parameter, the blob's id. */
export const isReferencedSql =
  "SELECT 1 WHERE EXISTS (SELECT 1 FROM extent WHERE blob_id = ?1) OR EXISTS (SELECT 1 FROM part WHERE blob_id = ?1)";

const isGarbageSql = "SELECT 1 FROM garbage_blob WHERE blob_id = ?";

/** Whether a blob's file is needed. Nobody removes one without asking this of the catalog in the same turn. */
export function isReferenced(database: Database, blobId: string): boolean {
  return database.query(isReferencedSql).values(blobId).length > 0;
}

/** Whether the catalog knows a blob at all: it is referenced, or waits to be freed. */
export function isNamed(database: Database, blobId: string): boolean {
  return isReferenced(database, blobId) || database.query(isGarbageSql).values(blobId).length > 0;
}
