import type { MetricsSource } from "./metrics-source.ts";
import { slotCell } from "./slot-layout.ts";

/** What the data workers last saw of the disk of the data folder, bytes. */
export interface DiskState {
  readonly totalBytes: number;
  readonly freeBytes: number;
  /** Kept free; half of the disk at most. */
  readonly reserveBytes: number;
  /** New bytes are refused; reads and deletes go on. */
  readonly refusesWrites: boolean;
}

/** The state as the workers that are up see it; writes are refused as soon as one of them refuses. Undefined before the first look. */
export function readDiskState(source: MetricsSource): DiskState | undefined {
  let state: DiskState | undefined;
  for (const { slot, up } of source.threads()) {
    const cells = new Float64Array(slot, slotCell.diskTotal * 8, 4);
    const [totalBytes = 0, freeBytes = 0, reserveBytes = 0, refuses = 0] = cells;
    if (!up || totalBytes === 0) continue;
    state = { totalBytes, freeBytes, reserveBytes, refusesWrites: refuses === 1 || state?.refusesWrites === true };
  }
  return state;
}

/** Says that the disk has room for new bytes. @throws Error while writes are refused, with the numbers. */
export function requireRoom(source: MetricsSource): void {
  const state = readDiskState(source);
  if (!state?.refusesWrites) return;
  throw new Error(`Writes are refused: ${state.freeBytes} bytes are free, the reserve is ${state.reserveBytes}`);
}
