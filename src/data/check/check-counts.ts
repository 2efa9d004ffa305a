/** What a check counts. */
export interface CheckCounts {
  /** Current objects, live versions and their bytes, recounted. */
  objects: number;
  versions: number;
  bytes: number;
  /** Blob files and catalogs that are not there. */
  missing: number;
  /** Rows, bodies and blobs that are damaged or contradict each other. */
  corrupt: number;
  /** Blob files that nothing names, older than the grace. */
  orphaned: number;
  /** Stored counters that differ from the recount. */
  drift: number;
  /** Versions and parts whose key is not there: the client's (SSE-C), or all while the root key is missing. */
  unverifiable: number;
  /** Files and folders that could not be read, which says nothing about what they hold: permissions, locks. */
  unreadable: number;
}

/** All zero. */
export function emptyCounts(): CheckCounts {
  return {
    objects: 0,
    versions: 0,
    bytes: 0,
    missing: 0,
    corrupt: 0,
    unreadable: 0,
    orphaned: 0,
    drift: 0,
    unverifiable: 0,
  };
}

/** Adds `more` to `total`. */
export function addCounts(total: CheckCounts, more: CheckCounts): void {
  total.objects += more.objects;
  total.versions += more.versions;
  total.bytes += more.bytes;
  total.missing += more.missing;
  total.corrupt += more.corrupt;
  total.orphaned += more.orphaned;
  total.drift += more.drift;
  total.unverifiable += more.unverifiable;
  total.unreadable += more.unreadable;
}
