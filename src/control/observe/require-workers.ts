/** @throws Error when no data worker listens. */
export function requireWorkers({ upWorkerCount, workerCount }: WorkerCounts): void {
  if (upWorkerCount === 0) throw new Error(`None of ${workerCount} data workers listens`);
}

interface WorkerCounts {
  readonly upWorkerCount: number;
  readonly workerCount: number;
}
