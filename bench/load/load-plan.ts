/**
 * What one run of the load generator does and what it answers. Both travel as JSON: the plan on the child's standard
 * input, the result as the only line on its standard output.
 */

/** How key number `index` is spelt. */
export type KeyLayout =
  | { readonly kind: "flat"; readonly prefix: string }
  | { readonly kind: "folders"; readonly keysPerFolder: number };

/** Objects of one size whose bytes are a pure function of (`sizeBytes`, `variants`, key number). */
export interface ObjectShape {
  readonly sizeBytes: number;
  /** Number of different bodies; key `index` has body `index % variants`. */
  readonly variants: number;
}

/** The work of one run. Every kind verifies what it reads: bodies byte for byte, listings key by key, ETags of every PUT. */
export type LoadWork =
  /** New keys `firstIndex`, `firstIndex + 1`, ...; ends after `keyCount` keys at the latest. Signed in batches between timed windows. */
  | {
      readonly kind: "put";
      readonly layout: KeyLayout;
      readonly shape: ObjectShape;
      readonly firstIndex: number;
      readonly keyCount: number;
      readonly batchCount: number;
    }
  /** Keys 0 to `keyCount` at random; they must exist. */
  | { readonly kind: "get"; readonly layout: KeyLayout; readonly shape: ObjectShape; readonly keyCount: number }
  /** Weighted operations over `slotCount` keys of which the first `existingCount` must exist. Weights add up to 100. */
  | {
      readonly kind: "mixed";
      readonly layout: KeyLayout;
      readonly shape: ObjectShape;
      readonly slotCount: number;
      readonly existingCount: number;
      readonly weights: OperationWeights;
    }
  /** ListObjectsV2 walks from random page starts along the continuation tokens. Needs the layout `folders` and `keyCount` keys. */
  | {
      readonly kind: "list";
      readonly layout: KeyLayout;
      readonly keyCount: number;
      readonly pageSize: number;
      readonly byFolder: boolean;
    }
  /** One request per connection: the first `uploads` connections PUT new keys, the others GET key 0. */
  | { readonly kind: "transfer"; readonly layout: KeyLayout; readonly shape: ObjectShape; readonly uploads: number };

/** Shares in percent. */
export interface OperationWeights {
  readonly get: number;
  readonly head: number;
  readonly put: number;
  readonly delete: number;
}

/** One run. */
export interface LoadPlan {
  readonly host: string;
  readonly port: number;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly region: string;
  readonly bucket: string;
  /** Keep-alive connections, one outstanding request each; 1 to 1,024. */
  readonly connections: number;
  /** Not measured, before the timed windows. */
  readonly warmupMs: number;
  /** Requests in all, the warm-up's included; 0 for no limit. */
  readonly requestLimit: number;
  /** Sum of the timed windows; requests begun in time are waited for. */
  readonly durationMs: number;
  /** Processor time of this process is reported beside the generator's own; 0 for none. */
  readonly serverPid: number;
  readonly work: LoadWork;
}

/** Latencies are from the first byte written to the last byte verified. */
export interface OperationResult {
  readonly count: number;
  /** Bytes of object data, both directions. */
  readonly bytes: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
}

/** What one run measured. */
export interface LoadResult {
  /** Length of the timed windows, first request to last answer. */
  readonly seconds: number;
  /** By S3 operation, and `all`. */
  readonly operations: Readonly<Record<string, OperationResult>>;
  /** Wrong status, wrong bytes, wrong ETag, lost connection, stall; the warm-up's included. */
  readonly errorCount: number;
  /** The first few, for a human. */
  readonly errors: readonly string[];
  readonly generatorCpuSeconds: number;
  readonly serverCpuSeconds: number;
  /** Spent by everything else on the machine and by other guests of its host: above 0.2 a second the rates are too low. */
  readonly otherCpuSeconds: number;
}

const noOperation: OperationResult = { count: 0, bytes: 0, p50Us: 0, p99Us: 0, maxUs: 0 };

/** One operation of a result; zeros when it did not happen. */
export function operationOf(result: LoadResult, name: string): OperationResult {
  return result.operations[name] ?? noOperation;
}

/** The plan as the parent wrote it; both ends are this bench, so the shape is trusted. @throws SyntaxError for broken JSON */
export function parseLoadPlan(text: string): LoadPlan {
  return JSON.parse(text) as LoadPlan;
}

/** The result as the child wrote it. @throws SyntaxError for broken JSON */
export function parseLoadResult(text: string): LoadResult {
  return JSON.parse(text) as LoadResult;
}

/** Path of key number `index` below the bucket, already percent-encoded. */
export function keyOf(layout: KeyLayout, index: number): string {
  switch (layout.kind) {
    case "flat":
      return `${layout.prefix}${String(index).padStart(8, "0")}`;
    case "folders":
      return folderKey(index, layout.keysPerFolder);
  }
}

/** Key number `index` of the layout `folders`: `f00012/0001234`, so that byte order is the order of the numbers. */
export function folderKey(index: number, keysPerFolder: number): string {
  const folder = Math.floor(index / keysPerFolder);
  return `f${String(folder).padStart(5, "0")}/${String(index).padStart(7, "0")}`;
}
