import type { ToData } from "#kernel/protocol/to-data.ts";

/** The way to one life of a data worker: a worker that was restarted has a new channel. */
export interface WorkerChannel {
  /** For logs, such as `worker 0`. */
  readonly name: string;
  /** Delivers in order; must not throw when the worker is gone. */
  send(message: ToData): void;
}
