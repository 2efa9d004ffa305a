import type { MessagePort } from "node:worker_threads";
import type { Span } from "../trace/span.ts";
import type { BucketUsage } from "./bucket-usage.ts";
import type { CatalogProblem } from "./catalog-problem.ts";
import type { BucketOwner, Usage } from "./quota.ts";

/** Control thread to the catalog writer. */
export type ToWriter =
  | {
      readonly kind: "start";
      readonly dataDir: string;
      /** Catalogs of buckets that it keeps open; absent: as many as it may ever. */
      readonly maxOpenCatalogs?: number | undefined;
      readonly historyWindowMs: number;
      readonly reserveBytes: number;
      readonly metrics: SharedArrayBuffer;
      readonly changes: SharedArrayBuffer;
      /** Where the writer publishes what buckets and tenants hold. */
      readonly usage: SharedArrayBuffer;
    }
  /** A data worker's port for `WriterBatch` messages. */
  | { readonly kind: "attach"; readonly port: MessagePort }
  | { readonly kind: "settings"; readonly historyWindowMs: number; readonly reserveBytes: number }
  /** Whose buckets are; those that are not named stay as they are. */
  | { readonly kind: "owners"; readonly owners: readonly BucketOwner[] }
  /** What buckets hold. */
  | { readonly kind: "usage"; readonly id: number; readonly bucketIds: readonly string[] }
  /** Make the folder and the empty catalog of a bucket, synced; repeating it is harmless. */
  | { readonly kind: "createCatalog"; readonly id: number; readonly bucketId: string; readonly tenantId: string }
  /** Close a bucket for ever if it holds no version or marker; open uploads are aborted. Repeating it is harmless. */
  | { readonly kind: "closeCatalog"; readonly id: number; readonly bucketId: string }
  /** Remove the folder of a closed bucket whose deletion was committed. */
  | { readonly kind: "removeCatalog"; readonly id: number; readonly bucketId: string }
  /** Commit nothing, sync a probe file: is the writer alive and the disk writable? */
  | { readonly kind: "probe"; readonly id: number }
  | { readonly kind: "stop" };

/** The catalog writer to the control thread. */
export type FromWriter =
  | { readonly kind: "ready" }
  | { readonly kind: "done"; readonly id: number }
  /** In the order of the question; null where the catalog cannot be read. */
  | { readonly kind: "usage"; readonly id: number; readonly usages: readonly (Usage | null)[] }
  /** The reason in words is in the log. */
  | {
      readonly kind: "failed";
      readonly id: number;
      readonly reason: "notEmpty" | "noRoom" | "unavailable" | "locked" | "io";
    }
  | {
      readonly kind: "log";
      readonly level: "info" | "warn" | "error";
      readonly message: string;
      readonly fields: Readonly<Record<string, string | number | boolean>>;
    }
  | { readonly kind: "catalogProblem"; readonly problem: CatalogProblem }
  /** The bucket's catalog is in its place again. */
  | { readonly kind: "catalogSettled"; readonly bucketId: string }
  /** What buckets hold; `isComplete`: every bucket was told of in this life. */
  | { readonly kind: "bucketUsage"; readonly usages: readonly BucketUsage[]; readonly isComplete: boolean }
  | { readonly kind: "spans"; readonly spans: readonly Span[]; readonly droppedCount: number }
  | { readonly kind: "stopped" };
