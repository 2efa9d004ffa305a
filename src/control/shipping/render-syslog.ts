import type { LogLevel } from "../observe/log.ts";

/** What every message of this process has in common. */
export interface SyslogSource {
  /** Name of the machine. */
  readonly hostName: string;
  /** `APP-NAME`: value of `logging.syslog_tag`. */
  readonly tag: string;
  readonly pid: number;
}

/** Facility local0. Source: RFC 5424 section 6.2.1. */
const facility = 16;
const severities: Readonly<Record<LogLevel, number>> = { debug: 7, info: 6, warn: 4, error: 3 };
/** Lengths of header fields. Source: RFC 5424 section 6. */
const [maxHostName, maxAppName] = [255, 48];

/**
 * A message of syslog around a line of JSON, without any framing.
 * Source: RFC 5424 section 6; the message is text of unknown encoding (MSG-ANY) to receivers that want a mark of byte order, which JSON
 * may not have (RFC 8259 section 8.1).
 */
export function renderSyslog(source: SyslogSource, level: LogLevel, line: string): string {
  const priority = facility * 8 + severities[level];
  const host = headerField(source.hostName, maxHostName);
  const tag = headerField(source.tag, maxAppName);
  return `<${priority}>1 ${timeOf(line)} ${host} ${tag} ${source.pid} - - ${line}`;
}

/** Counts bytes before each message. Source: RFC 6587 section 3.4.1. */
export function frameByOctetCount(message: string): string {
  return `${Buffer.byteLength(message)} ${message}`;
}

/** A message as a datagram: what is longer than so many bytes is cut at the border of a character. */
export function cutToBytes(message: string, maxBytes: number): Buffer {
  const bytes = Buffer.from(message);
  if (bytes.length <= maxBytes) return bytes;
  let end = maxBytes;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.subarray(0, end);
}

/** Every line of the log begins with its time; `-` stands for none. */
function timeOf(line: string): string {
  return /^\{"time":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z)"/.exec(line)?.[1] ?? "-";
}

/** Printable ASCII without blanks. */
function headerField(text: string, maxLength: number): string {
  const field = text.replaceAll(/[^!-~]/g, "_").slice(0, maxLength);
  return field === "" ? "-" : field;
}
