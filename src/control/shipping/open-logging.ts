import type { Clock } from "#kernel/base/clock.ts";
import type { Settings } from "#kernel/settings/settings.ts";
import { createLog, type ProcessLog } from "../observe/log.ts";
import { logStyleOf } from "../observe/log-style.ts";
import { LogShipping } from "./log-shipping.ts";

/** What the log of the process needs. */
export interface LoggingOptions {
  /** Until the stored ones are read. */
  readonly settings: Settings;
  readonly clock: Clock;
  /** Name of the machine. */
  readonly hostName: string;
  readonly pid: number;
}

/** The log of the process and the ways its lines go. */
export interface Logging {
  readonly log: ProcessLog;
  /** Takes changed settings over. */
  configure(settings: Settings): void;
  /** Sends away what still waits, for a moment. */
  close(): Promise<void>;
}

/** Opens the log. Lines go to the standard output at once, and elsewhere from the first `configure` on. */
export function openLogging({ settings, clock, hostName, pid }: LoggingOptions): Logging {
  const shipping = new LogShipping({
    hostName,
    pid,
    report: (level, message, fields) => log.write(level, message, fields),
  });
  const log = createLog({ ...logStyleOf(settings), clock, tap: shipping });
  return {
    log,
    configure: (changed) => {
      log.configure(logStyleOf(changed));
      shipping.configure(changed);
    },
    close: () => shipping.close(),
  };
}
