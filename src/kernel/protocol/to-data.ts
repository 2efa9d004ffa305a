import type { MessagePort } from "node:worker_threads";
import type { S3ErrorCode } from "../s3/error-code.ts";
import type { KeptKind } from "./diagnostics.ts";
import type { Snapshot, SnapshotDelta } from "./snapshot.ts";

/** A key-encryption key, 32 bytes; `version` is stored beside each wrapped data key. */
export interface KeyEncryptionKey {
  readonly version: number;
  readonly key: Uint8Array;
}

/** Static configuration of the data plane, decided at start. */
export interface DataConfig {
  /** Absolute path of the data folder. */
  readonly dataDir: string;
  readonly workerIndex: number;
  readonly workerCount: number;
  /** Name of the machine, for lines of the access log. */
  readonly node?: string;
  readonly s3Host: string;
  /** 0 picks a free port: only with one worker. */
  readonly s3Port: number;
  /** TLS listener on a port of its own; absent: none. PEM texts. */
  readonly tls?: { readonly host: string; readonly port: number; readonly cert: string; readonly key: string };
  /** Connections this worker accepts; the engine resets those above. */
  readonly maxConnections: number;
  /** Catalogs of buckets that this worker keeps open; absent: as many as it may ever. */
  readonly maxOpenCatalogs?: number | undefined;
  /** Seconds without progress after which a client is cut off. */
  readonly idleTimeoutSeconds: number;
}

/** Control thread to a data worker. */
export type ToData =
  | {
      readonly kind: "start";
      readonly config: DataConfig;
      readonly snapshot: Snapshot;
      /** Newest last; the last one wraps new data keys. */
      readonly keys: readonly KeyEncryptionKey[];
      readonly writer: MessagePort;
      /** One slot of shared metrics for this worker; layout in `kernel/metrics`. */
      readonly metrics: SharedArrayBuffer;
      /** Counters by which the writer tells which keys may have changed. */
      readonly changes: SharedArrayBuffer;
      /** What buckets and tenants hold, as the writer publishes it. */
      readonly usage: SharedArrayBuffer;
      /** Rates and connections of tenants and keys, kept by all workers together. */
      readonly rates: SharedArrayBuffer;
    }
  | { readonly kind: "snapshot"; readonly snapshot: Snapshot }
  | { readonly kind: "delta"; readonly delta: SnapshotDelta }
  /** The writer was restarted: mutations in flight on the old port have an unknown outcome. */
  | { readonly kind: "writer"; readonly writer: MessagePort }
  | { readonly kind: "answer"; readonly id: number; readonly result: ControlResult }
  /** Asks what is kept of a request; answered by `kept`. */
  | { readonly kind: "find"; readonly id: number; readonly what: KeptKind; readonly requestId: string }
  /** One `denials` message was taken over. */
  | { readonly kind: "denialsTaken" }
  /** One `dataEvents` message is written, or could not be. */
  | { readonly kind: "dataEventsWritten"; readonly isWritten: boolean }
  /** One `access` message is written. */
  | { readonly kind: "accessWritten" }
  /** Stop accepting, finish what runs, answer `drained`. */
  | { readonly kind: "drain" };

/** Outcome of a call a worker made to the control thread. */
export type ControlResult =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly code: S3ErrorCode; readonly message?: string };
