import type { Clock } from "#kernel/base/clock.ts";
import type { KeyEncryptionKey } from "#kernel/protocol/to-data.ts";
import type { Disk } from "../blobs/disk.ts";
import { listBucketFolders } from "../catalog/sqlite-catalog/bucket-folders.ts";
import { ChecksumPool } from "../checksum/running-checksum.ts";
import { ObjectKeyRing } from "../crypto/object-key-ring.ts";
import { BucketCheck } from "./bucket-check.ts";
import { addCounts, type CheckCounts, emptyCounts } from "./check-counts.ts";

/** Problems written out for one bucket; the rest is only counted. */
const maxReportedProblems = 100;

/** What a check needs. */
export interface CheckOptions {
  /** Absolute path of the data folder. */
  readonly dataDir: string;
  /** Newest last, as the server has them; at least one. */
  readonly keys: readonly KeyEncryptionKey[];
  /** Only this bucket; absent: all that have a folder. */
  readonly bucketId?: string;
  readonly disk: Disk;
  readonly clock: Clock;
  /** Gets one line per problem, at most 100 per bucket, then one line with the numbers of each bucket. */
  readonly report: (line: string) => void;
}

/** The numbers of all buckets together. */
export interface CheckResult extends CheckCounts {
  readonly buckets: number;
  /** What is missing, corrupt or unreadable, and counters that drifted. Orphans are none. */
  readonly problems: number;
}

/**
 * Reads everything a data folder holds and verifies it: each catalog's structure, rows and counters, each inline body, and
 * of each blob its file's length, its footer and every segment against its tag. Nothing is written or removed. Bytes
 * stored under a client's key (SSE-C) are counted as not verifiable; their lengths and footers are checked.
 *
 * Meant for a stopped server; beside a running one, blobs that are being written count as young and not as orphaned.
 */
export async function checkDataFolder(options: CheckOptions): Promise<CheckResult> {
  const { dataDir, disk, clock, report, bucketId } = options;
  const keyRing = new ObjectKeyRing(options.keys);
  const checksums = new ChecksumPool();
  const buckets = bucketId === undefined ? listBucketFolders(dataDir) : [bucketId];
  const total = emptyCounts();
  for (const id of buckets) {
    let unreported = -maxReportedProblems;
    const tell = (line: string) => {
      unreported += 1;
      if (unreported <= 0) report(`${id}: ${line}`);
    };
    const counts = await new BucketCheck({
      dataDir,
      bucketId: id,
      keyRing,
      checksums,
      disk,
      clock,
      report: tell,
    }).run();
    if (unreported > 0) report(`${id}: and ${unreported} more`);
    report(`${id}: ${describe(counts)}`);
    addCounts(total, counts);
  }
  return {
    ...total,
    buckets: buckets.length,
    problems: total.missing + total.corrupt + total.unreadable + total.drift,
  };
}

function describe(counts: CheckCounts): string {
  const { objects, versions, bytes, missing, corrupt, orphaned, drift, unverifiable } = counts;
  const refused = counts.unreadable === 0 ? "" : `, ${counts.unreadable} unreadable`;
  const main = `${objects} objects, ${versions} versions, ${bytes} bytes, ${missing} missing, ${corrupt} corrupt, ${orphaned} orphaned, ${drift} drift${refused}`;
  return unverifiable === 0 ? main : `${main}, ${unverifiable} not verifiable without the client's key`;
}
