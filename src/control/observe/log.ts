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
  /** Lines that targets beside the output did not take. */
  readonly drops: readonly LogDrops[];
}

/** How many lines one target did not take. */
export interface LogDrops {
  readonly sink: string;
  readonly count: number;
}

/** Takes the lines of the log as well, whatever their look. */
export interface LogTap {
  /** Whether it takes any. */
  readonly isActive: boolean;
  readonly drops: readonly LogDrops[];
  /** Takes one line of JSON without its line feed, and never waits. */
  take(level: LogLevel, line: string): void;
}

/** How lines look. */
export interface LogStyle {
  /** Lines below it are dropped. */
  readonly level: LogLevel;
  /** `json`: one object per line. `text`: for people. */
  readonly format: "json" | "text";
  /** Lines of this thread name the place in the code that they come from, as `caller`. */
  readonly includeCaller?: boolean;
}

/** How lines look at first, and where they go. */
export interface LogOptions extends LogStyle {
  readonly clock: Clock;
  /** Takes one line with its line feed; standard output when absent. */
  readonly output?: (line: string) => void;
  /** Takes lines in UTF-8 until it resolves; standard output when absent. */
  readonly outputLines?: (lines: Uint8Array) => Promise<void>;
  readonly tap?: LogTap;
  /** Name of the machine, for lines of JSON: they are gathered from many. */
  readonly node?: string;
}

/** The log of the process. */
export interface ProcessLog extends Log {
  /** Changes how lines look from the next one on. */
  configure(style: LogStyle): void;
  /** Writes whole lines of JSON in UTF-8 of another thread, whatever their level. @returns when they may change and more may come */
  writeLines(lines: Uint8Array): Promise<void>;
}

const ranks: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

/** The control characters of C0, DEL and C1: on a terminal they could rewrite what stands there. */
const controlCharacters = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

/** Makes the log of the process. A line: `time` (RFC 3339, UTC), `level`, `message`, then the fields in their order, `node`. */
export function createLog(options: LogOptions): ProcessLog {
  const { clock, output = writeToStandardOutput, outputLines = writeLinesToStandardOutput, tap, node } = options;
  let style: LogStyle = options;
  const emit = (level: LogLevel, message: string, fields: LogFields = {}): void => {
    if (ranks[level] < ranks[style.level]) return;
    // A line of another thread was written there.
    const caller = style.includeCaller && fields["thread"] === undefined ? { caller: findCaller() } : {};
    const line = { time: new Date(clock.nowMs()).toISOString(), level, message, fields: { ...fields, ...caller } };
    const json = style.format === "json" || tap?.isActive === true ? renderJson(line, node) : "";
    output(style.format === "json" ? json : renderText(line));
    if (tap?.isActive) tap.take(level, json.trimEnd());
  };
  return {
    // The braces matter: a call in tail position would leave no frame, and `findCaller` counts frames.
    debug: (message, fields) => {
      emit("debug", message, fields);
    },
    info: (message, fields) => {
      emit("info", message, fields);
    },
    warn: (message, fields) => {
      emit("warn", message, fields);
    },
    error: (message, fields) => {
      emit("error", message, fields);
    },
    write: (level, message, fields) => {
      emit(level, message, fields);
    },
    get drops() {
      return tap?.drops ?? [];
    },
    writeLines: (bytes) => {
      const isJson = style.format === "json";
      const lines = isJson && !tap?.isActive ? [] : splitLines(bytes);
      if (tap?.isActive) for (const line of lines) tap.take("info", line);
      return outputLines(isJson ? bytes : Buffer.from(lines.map(renderJsonAsText).join("")));
    },
    configure: (changed) => {
      style = changed;
    },
  };
}

/** Line of the stack of whoever called the log: behind the message, this function, `emit` and the log's own method. */
const callerFrame = 4;

/** File and line, such as `buckets.ts:120`. */
function findCaller(): string {
  const frame = new Error("Where the log is called").stack?.split("\n")[callerFrame] ?? "";
  const [, file, line] = /([^/\\(\s]+):(\d+):\d+\)?$/.exec(frame) ?? [];
  return file === undefined ? "unknown" : `${file}:${line}`;
}

interface Line {
  readonly time: string;
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

function renderJson({ time, level, message, fields }: Line, node: string | undefined): string {
  const head = { time, level, message };
  return `${JSON.stringify(Object.assign({ ...head }, fields, { ...head, node }))}\n`;
}

function splitLines({ buffer, byteOffset, byteLength }: Uint8Array): string[] {
  return Buffer.from(buffer, byteOffset, byteLength).toString().trimEnd().split("\n");
}

function renderJsonAsText(json: string): string {
  const { time, level, message, node: _, ...fields } = JSON.parse(json);
  return renderText({ time, level, message, fields });
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

/** Resolves when the system has the lines, or whoever read them is gone. */
function writeLinesToStandardOutput(lines: Uint8Array): Promise<void> {
  return new Promise((resolve) => process.stdout.write(lines, () => resolve()));
}
