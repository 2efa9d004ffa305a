import type { LogLine } from "./data-plane.ts";

/** What a guard does with what it caught. */
export interface ThreadGuard {
  readonly log: LogLine;
  readonly count: (kind: "rejection" | "exception") => void;
}

/**
 * Catches what nobody handles in this thread; without it the engine would end the thread at the first promise that is
 * rejected unheard, and every request with it. A rejection belongs to one request at most: it is logged with its stack,
 * counted, and the thread goes on. After an exception that left its event loop turn nothing is known of the thread's state:
 * it ends with code 1 and its supervisor starts the next one.
 */
export function guardThread({ log, count }: ThreadGuard): void {
  process.on("unhandledRejection", (reason) => {
    count("rejection");
    log("error", "A promise was rejected and nobody handled it", { reason: renderReason(reason) });
  });
  process.on("uncaughtException", (error) => {
    count("exception");
    log("error", "An exception was not caught: the thread ends", { reason: renderReason(error) });
    process.exit(1);
  });
}

function renderReason(reason: unknown): string {
  return reason instanceof Error ? (reason.stack ?? `${reason.name}: ${reason.message}`) : String(reason);
}
