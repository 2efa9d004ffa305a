/** Milliseconds a rate is measured over. */
const windowMs = 5_000;

/** How fast one client takes or sends bytes while the server waits for nothing else. */
export class ClientRate {
  #startMs = 0;
  #startBytes = 0;
  #hasStarted = false;
  #bytesPerSecond: number | undefined;

  /** Bytes per second over the last whole window of five seconds; undefined before the first. */
  get bytesPerSecond(): number | undefined {
    return this.#bytesPerSecond;
  }

  /** @param movedBytes of the request so far, never less than before unless `reset` came between */
  note(movedBytes: number, nowMs: number): void {
    const elapsedMs = nowMs - this.#startMs;
    if (this.#hasStarted && elapsedMs < windowMs) return;
    if (this.#hasStarted) this.#bytesPerSecond = ((movedBytes - this.#startBytes) * 1000) / elapsedMs;
    this.#hasStarted = true;
    this.#startMs = nowMs;
    this.#startBytes = movedBytes;
  }

  /** The client waited for the server, or began anew: nothing is known of its speed. */
  reset(): void {
    this.#hasStarted = false;
    this.#bytesPerSecond = undefined;
  }
}
