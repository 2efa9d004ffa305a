import type { Clock } from "#kernel/base/clock.ts";

/** How important a line is, from the least. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** What a line carries besides its message. Never a secret. */
export type LogFields = Readonly<Record<string, string | number | boolean>>;

/** Where every thread's lines go. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A line of another thread. */
  write(level: LogLevel, message: string, fields?: LogFields): void;
}

/** How lines look and where they go. */
export interface LogOptions {
  /** Lines below it are dropped. */
  readonly level: LogLevel;
  /** `json`: one object per line. `text`: for people. */
  readonly format: "json" | "text";
  readonly clock: Clock;
  /** Takes one line with its line feed; standard output when absent. */
  readonly output?: (line: string) => void;
}

const ranks: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

/** The control characters of C0, DEL and C1: on a terminal they could rewrite what stands there. */
const controlCharacters = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

/** Makes the log of the process. A line: `time` (RFC 3339, UTC), `level`, `message`, then the fields in their order. */
export function createLog(options: LogOptions): Log {
  const { clock, format, output = writeToStandardOutput } = options;
  const least = ranks[options.level];
  const render = format === "json" ? renderJson : renderText;
  const write = (level: LogLevel, message: string, fields: LogFields = {}): void => {
    if (ranks[level] < least) return;
    output(render({ time: new Date(clock.nowMs()).toISOString(), level, message, fields }));
  };
  return {
    debug: (message, fields) => write("debug", message, fields),
    info: (message, fields) => write("info", message, fields),
    warn: (message, fields) => write("warn", message, fields),
    error: (message, fields) => write("error", message, fields),
    write,
  };
}

interface Line {
  readonly time: string;
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

function renderJson({ time, level, message, fields }: Line): string {
  const head = { time, level, message };
  return `${JSON.stringify(Object.assign({ ...head }, fields, head))}\n`;
}

function renderText({ time, level, message, fields }: Line): string {
  let line = `${time} ${level.toUpperCase().padEnd(5)} ${quote(message, controlCharacters)}`;
  for (const [name, value] of Object.entries(fields)) line += ` ${name}=${quote(String(value), /[\s"=]/)}`;
  return `${line}\n`;
}

/** The text as it is, or as JSON when it holds what would mislead a reader. */
function quote(text: string, misleading: RegExp): string {
  if (!misleading.test(text) && !controlCharacters.test(text) && text !== "") return text;
  return JSON.stringify(text).replaceAll(/[\u007f-\u009f\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

function writeToStandardOutput(line: string): void {
  process.stdout.write(line);
}
