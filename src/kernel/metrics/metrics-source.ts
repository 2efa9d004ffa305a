/** What the collector may know of one supervised thread. */
export interface ThreadMetrics {
  /** Value of the label `worker`: `0`, `1`, ... for data workers, `writer` for the catalog writer. */
  readonly worker: string;
  /** Started, configured and answering. */
  readonly up: boolean;
  /** Restarts since the process started. */
  readonly restartCount: number;
  /** The thread's slot; survives restarts. */
  readonly slot: SharedArrayBuffer;
}

/** Read at each scrape by the control thread. */
export interface MetricsSource {
  threads(): readonly ThreadMetrics[];
}
