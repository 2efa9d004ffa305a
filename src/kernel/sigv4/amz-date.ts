import { parseHttpDate } from "../s3/http-date.ts";

/** Farthest a clock may be off, before or after ours. Source: AWS "Authenticating Requests", RequestTimeTooSkewed. */
export const maxClockSkewMs = 900_000;

/** Longest life of a presigned URL: seven days. */
export const maxPresignSeconds = 604_800;

/**
 * Reads the ISO 8601 basic form `yyyymmddThhmmssZ` that `x-amz-date` carries.
 * @returns ms since 1970 UTC, or `undefined` for any other text or an impossible date.
 */
export function parseAmzDate(text: string): number | undefined {
  if (text.length !== 16 || text.charCodeAt(8) !== 0x54 || text.charCodeAt(15) !== 0x5a) return undefined;
  const year = readDigits(text, 0, 4);
  const month = readDigits(text, 4, 6);
  const day = readDigits(text, 6, 8);
  const hour = readDigits(text, 9, 11);
  const minute = readDigits(text, 11, 13);
  const second = readDigits(text, 13, 15);
  // NaN fails each comparison, so a non-digit ends here too.
  if (!(year >= 1970 && month >= 1 && month <= 12 && day >= 1 && day <= daysOfMonth(year, month))) return undefined;
  if (!(hour < 24 && minute < 60 && second < 60)) return undefined;
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** Writes `yyyymmddThhmmssZ`; milliseconds are cut. */
export function renderAmzDate(ms: number): string {
  return new Date(ms).toISOString().replace(/[-:]|\.\d{3}/g, "");
}

/**
 * Reads a `Date` header: the forms of HTTP, `+0000` in place of `GMT` (which AWS's SigV2 examples use), or the form of
 * `x-amz-date`.
 * @returns ms since 1970 UTC, or `undefined`.
 */
export function parseDateHeader(text: string): number | undefined {
  return parseAmzDate(text) ?? parseHttpDate(text.endsWith(" +0000") ? `${text.slice(0, -5)}GMT` : text);
}

/** The extended form `yyyy-mm-ddThh:mm:ssZ` in which AWS's error documents name times. */
export function renderErrorDate(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

function readDigits(text: string, start: number, end: number): number {
  let value = 0;
  for (let index = start; index < end; index++) {
    const digit = text.charCodeAt(index) - 0x30;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

function daysOfMonth(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate();
}
