import type { Clock } from "#kernel/base/clock.ts";
import type { KeyEncryptionKey } from "#kernel/protocol/to-data.ts";
import type { Disk } from "../blobs/disk.ts";
import { listBucketFolders } from "../catalog/sqlite-catalog/bucket-folders.ts";
import { describeUnreadable } from "../catalog/unreadable.ts";
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
  /** Newest last, as the server has them; none when they cannot be had: then bytes are not verified, the rest is. */
  readonly keys: readonly KeyEncryptionKey[];
  /** Names of the buckets by id, as the control database has them: each must have a folder. Empty when it cannot be read. */
  readonly bucketNames: ReadonlyMap<string, string>;
  /** Only this bucket; absent: all that have a folder or a name. */
  readonly bucketId?: string;
  /** A server runs on the folder. */
  readonly isServed: boolean;
  readonly disk: Disk;
  readonly clock: Clock;
  /** Gets one line per problem, at most 100 per bucket, then one line with the numbers of each bucket. */
  readonly report: (line: string) => void;
}

/** The numbers of all buckets together. */
export interface CheckResult extends CheckCounts {
  readonly buckets: number;
  /** What is missing or corrupt, and counters that drifted. Neither orphans nor what could not be read. */
  readonly problems: number;
  /** The buckets with problems, as reports name them. */
  readonly affectedBuckets: readonly string[];
}

/**
 * Reads everything a data folder holds and verifies it: each catalog's structure, rows and counters, each inline body, and
 * of each blob its file's length, its footer and every segment against its tag. Nothing is written or removed. What is
 * damaged or cannot be read is reported, and the rest is checked all the same. Bytes stored under a client's key (SSE-C) are
 * counted as not verifiable; their lengths and footers are checked.
 *
 * Beside a running server each bucket is read as it was at one moment; blobs that are being written count as young and not as
 * orphaned. While a bucket is read its write-ahead log cannot shrink.
 */
export async function checkDataFolder(options: CheckOptions): Promise<CheckResult> {
  const { keys, report, bucketNames } = options;
  const keyRing = keys.length > 0 ? new ObjectKeyRing(keys) : undefined;
  const checksums = new ChecksumPool();
  const total = emptyCounts();
  const buckets = listBuckets(options, total);
  const affectedBuckets: string[] = [];
  for (const bucketId of buckets) {
    const name = bucketNames.get(bucketId);
    const place = name === undefined ? bucketId : `${name} (${bucketId})`;
    let unreported = -maxReportedProblems;
    const tell = (line: string) => {
      unreported += 1;
      if (unreported <= 0) report(`${place}: ${line}`);
    };
    const counts = await new BucketCheck({ ...options, bucketId, keyRing, checksums, report: tell }).run();
    if (unreported > 0) report(`${place}: and ${unreported} more`);
    report(`${place}: ${describe(counts)}`);
    addCounts(total, counts);
    if (countProblems(counts) > 0) affectedBuckets.push(place);
  }
  return { ...total, buckets: buckets.length, problems: countProblems(total), affectedBuckets };
}

/** Ids of the buckets to check; a folder of buckets that cannot be listed is reported and counted. */
function listBuckets({ dataDir, bucketId, bucketNames, report }: CheckOptions, total: CheckCounts): readonly string[] {
  if (bucketId !== undefined) return [bucketId];
  const ids = new Set(bucketNames.keys());
  try {
    for (const id of listBucketFolders(dataDir)) ids.add(id);
  } catch (error) {
    const text = describeUnreadable(error);
    if (text === undefined) throw error;
    total.unreadable += 1;
    report(`unreadable: The folder of buckets: ${text}`);
  }
  return [...ids].sort();
}

function countProblems({ missing, corrupt, drift }: CheckCounts): number {
  return missing + corrupt + drift;
}

function describe(counts: CheckCounts): string {
  const { objects, versions, bytes, missing, corrupt, orphaned, drift, unverifiable, unreadable } = counts;
  const main = `${objects} objects, ${versions} versions, ${bytes} bytes, ${missing} missing, ${corrupt} corrupt, ${orphaned} orphaned, ${drift} drift`;
  const closed = unverifiable === 0 ? "" : `, ${unverifiable} not verifiable without their key`;
  return `${main}${closed}${unreadable === 0 ? "" : `, ${unreadable} unreadable`}`;
}
