/** Bytes of short-lived buffers after which the thread's heap is collected. */
const collectEveryBytes = 24 * 2 ** 20;

let transferredBytes = 0;

/**
 * Told of every transferred byte of large bodies. The engine's collector sees small objects that hold large buffers and
 * waits too long: 64 uploads at once left 300 MiB of dead buffers. Asking for a collection now and then costs under 2 % of
 * the throughput and keeps them below 50 MiB.
 */
export function noteTransferred(bytes: number): void {
  transferredBytes += bytes;
  if (transferredBytes < collectEveryBytes) return;
  transferredBytes = 0;
  Bun.gc(true);
}
