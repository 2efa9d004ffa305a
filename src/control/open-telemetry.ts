import type { Clock } from "#kernel/base/clock.ts";
import type { Random } from "#kernel/base/random.ts";
import type { Settings } from "#kernel/settings/settings.ts";
import { createLog, type LogFields, type LogLevel, type ProcessLog } from "./observe/log.ts";
import { logStyleOf } from "./observe/log-style.ts";
import { LogShipping } from "./shipping/log-shipping.ts";
import { TraceExport } from "./tracing/trace-export.ts";

/** What the log of the process and its traces need. */
export interface TelemetryOptions {
  /** Until the stored ones are read. */
  readonly settings: Settings;
  readonly clock: Clock;
  readonly random: Random;
  readonly version: string;
  /** Name of the machine. */
  readonly hostName: string;
  readonly pid: number;
}

/** What the process tells of itself line by line and span by span, and the ways these go. */
export interface Telemetry {
  readonly log: ProcessLog;
  readonly traces: TraceExport;
  /** Takes changed settings over. */
  configure(settings: Settings): void;
  /** Sends away what still waits, for a moment. */
  close(): Promise<void>;
}

/** Opens it. Lines go to the standard output at once; all else goes nowhere until the first `configure`. */
export function openTelemetry({ settings, pid, ...options }: TelemetryOptions): Telemetry {
  const { clock, hostName } = options;
  const report = (level: LogLevel, message: string, fields: LogFields) => log.write(level, message, fields);
  const shipping = new LogShipping({ hostName, pid, report });
  const traces = new TraceExport({ ...options, report });
  const log = createLog({ ...logStyleOf(settings), clock, tap: shipping, node: hostName });
  return {
    log,
    traces,
    configure: (changed) => {
      log.configure(logStyleOf(changed));
      shipping.configure(changed);
      traces.configure(changed);
    },
    close: async () => {
      await Promise.all([shipping.close(), traces.close()]);
    },
  };
}
