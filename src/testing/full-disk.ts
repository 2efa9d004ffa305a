import type { Database } from "bun:sqlite";

/** Bytes of a row that takes one page of its own beyond the page it begins in; pages have 4,096. */
const bytesPerPage = 4_000;

/**
 * Makes a catalog's file unable to grow, as on a full disk, with a reserve inside of it.
 * @param reservePages about how many pages the reserve has, at least 1
 * @returns gives the reserve up: so many pages can be written, then the disk is full again
 */
export function fillDisk(database: Database, reservePages: number): () => void {
  database.exec("CREATE TABLE reserve (bytes BLOB)");
  database.query("INSERT INTO reserve (bytes) VALUES (zeroblob(?))").run(reservePages * bytesPerPage);
  // SQLite raises a limit below the size of the file to that size.
  database.exec("PRAGMA max_page_count = 1");
  return () => database.exec("DELETE FROM reserve");
}
