import type { Clock } from "#kernel/base/clock.ts";
import type { CatalogProblem } from "#kernel/protocol/catalog-problem.ts";
import type { DataConfig } from "#kernel/protocol/to-data.ts";
import type { Blobs } from "./blobs/blobs.ts";
import type { DiskSpace } from "./blobs/disk-space.ts";
import type { ObjectCache } from "./cache/object-cache.ts";
import type { CatalogReader } from "./catalog/catalog.ts";
import type { WriterClient } from "./catalog/writer-client.ts";
import type { ChecksumPool } from "./checksum/running-checksum.ts";
import type { ControlClient } from "./control-client.ts";
import type { ObjectKeyRing } from "./crypto/object-key-ring.ts";
import type { DamagedObjects } from "./damaged-objects.ts";
import type { Diagnostics } from "./diagnostics/diagnostics.ts";
import type { DataEvents } from "./http/data-events.ts";
import type { ContinuationTokens } from "./listing/continuation-token.ts";
import type { UsageTable } from "./quota/usage-table.ts";
import type { RequestLimits } from "./rate/request-limits.ts";
import type { BodyBudget } from "./request/body-budget.ts";
import type { KeyUses } from "./request/key-uses.ts";
import type { RunningRequests } from "./request/running-requests.ts";
import type { SnapshotStore } from "./snapshot-store.ts";

/** A line for the server's log, through the control thread. */
export type LogLine = (
  level: "debug" | "info" | "warn" | "error",
  message: string,
  fields: Readonly<Record<string, string | number | boolean>>,
) => void;

/** Everything an operation may use, made once per worker. */
export interface DataPlane {
  readonly config: DataConfig;
  readonly clock: Clock;
  readonly snapshot: SnapshotStore;
  readonly catalog: CatalogReader;
  readonly cache: ObjectCache;
  readonly writer: WriterClient;
  readonly blobs: Blobs;
  readonly keyRing: ObjectKeyRing;
  readonly continuationTokens: ContinuationTokens;
  readonly checksums: ChecksumPool;
  readonly control: ControlClient;
  /** What buckets and tenants hold. */
  readonly usage: UsageTable;
  /** Of tenants and keys. */
  readonly limits: RequestLimits;
  readonly disk: DiskSpace;
  /** Of bodies that are gathered in memory. */
  readonly bodyBudget: BodyBudget;
  /** Of forms for STS. */
  readonly formBudget: BodyBudget;
  readonly running: RunningRequests;
  /** Told of each request that a stored key signed. */
  readonly keyUses: KeyUses;
  readonly dataEvents: DataEvents;
  readonly diagnostics: Diagnostics;
  readonly log: LogLine;
  /** Tells the control thread what is wrong with a bucket. */
  readonly reportProblem: (problem: CatalogProblem) => void;
  /** Looks after objects that could not be read. */
  readonly damagedObjects: Pick<DamagedObjects, "note">;
}
