import type { Log } from "./observe/log.ts";

/** How the server ends. */
export interface EndOptions {
  /** Makes the server not ready. */
  readonly drain: () => void;
  /** Finishes what runs; then nothing runs any more. */
  readonly finish: () => Promise<void>;
  /** Ends everything now; no acknowledged write is lost. */
  readonly endNow: () => Promise<void>;
  readonly log: Log;
  /** After SIGTERM load balancers have this long to see that the server is not ready, ms; 5,000 when absent. */
  readonly notReadyMs?: number;
}

/** Ending now may take this long, ms. */
const endNowMs = 2000;

/**
 * SIGTERM: not ready for a while, then no new connections, what runs finishes. SIGINT (Ctrl-C): the same without the while.
 * A second signal: now. The process ends with code 0, or 70 when finishing failed.
 */
export function endOnSignals({ drain, finish, endNow, log, notReadyMs = 5000 }: EndOptions): void {
  let isEnding = false;
  const end = async (signal: "SIGTERM" | "SIGINT"): Promise<void> => {
    if (isEnding) {
      log.info("Ending now", { signal });
      await Promise.race([endNow(), Bun.sleep(endNowMs)]);
      process.exit(0);
    }
    isEnding = true;
    const seconds = signal === "SIGTERM" ? notReadyMs / 1000 : 0;
    log.info(describeEnd(seconds), { signal });
    drain();
    await Bun.sleep(seconds * 1000);
    await finish();
    log.info("Ended");
    process.exit(0);
  };
  const endOrFail = (signal: "SIGTERM" | "SIGINT") => {
    end(signal).catch((error: unknown) => {
      log.error("Ending failed", { error: String(error) });
      process.exit(70);
    });
  };
  process.on("SIGTERM", endOrFail);
  process.on("SIGINT", endOrFail);
}

function describeEnd(seconds: number): string {
  if (seconds === 0) return "Ending: what runs is finished first; a second signal ends at once";
  return `Ending in ${seconds} s: until then requests are answered and /health/ready says 503, so that load balancers look away; then what runs is finished; a second signal ends at once`;
}
