const shortDays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"] as const;
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const;
const monthNumber: ReadonlyMap<string, number> = new Map(months.map((name, index) => [name, index + 1]));
const twoDigits: readonly string[] = Array.from({ length: 60 }, (_, value) => String(value).padStart(2, "0"));

const rfc1123 = /^(?:[A-Za-z]{3}, )?(\d{1,2}) ([A-Za-z]{3}) (\d{4}) (\d\d):(\d\d):(\d\d) (?:GMT|UTC|([+-]\d{4}))$/;
const rfc850 = /^[A-Za-z]{6,9}, (\d\d)-([A-Za-z]{3})-(\d\d) (\d\d):(\d\d):(\d\d) GMT$/;
const asctime = /^[A-Za-z]{3} ([A-Za-z]{3}) ([ \d]\d) (\d\d):(\d\d):(\d\d) (\d{4})$/;
const iso8601 = /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-]\d\d:?\d\d))?)?$/;
const iso8601Basic = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)()Z()$/;

const dayMs = 86_400_000;
/** The last instant of year 9999: later ones have no form of four digits. */
const maxMs = 253_402_300_799_999;
/** 0000-01-01T00:00:00Z. */
const minMs = -62_167_219_200_000;
/** Days whose texts are kept; a listing rarely spans more at a time. */
const cachedDays = 256;

interface DayTexts {
  readonly day: number;
  readonly http: string;
  readonly iso: string;
}

const dayCache: (DayTexts | undefined)[] = new Array<DayTexts | undefined>(cachedDays).fill(undefined);

/**
 * Parses a date of RFC 1123, RFC 850 (years 70 to 99 are 19xx), asctime or ISO 8601 to milliseconds since 1970; undefined
 * when it is none of them or no such day exists. The name of the weekday is not compared.
 * Source: RFC 9110 section 5.6.7, ISO 8601.
 */
export function parseHttpDate(text: string): number | undefined {
  let match = rfc1123.exec(text);
  if (match !== null) {
    const [, day, month = "", year, hour, minute, second, zone] = match;
    return toMs({ year, month: monthNumber.get(month), day, hour, minute, second, zone });
  }
  match = iso8601.exec(text) ?? iso8601Basic.exec(text);
  if (match !== null) {
    const [, year, month, day, hour, minute, second, fraction, zone] = match;
    return toMs({ year, month, day, hour, minute, second, fraction, zone });
  }
  match = rfc850.exec(text);
  if (match !== null) {
    const [, day, month = "", shortYear, hour, minute, second] = match;
    const year = Number(shortYear) + (Number(shortYear) >= 70 ? 1900 : 2000);
    return toMs({ year, month: monthNumber.get(month), day, hour, minute, second });
  }
  match = asctime.exec(text);
  if (match !== null) {
    const [, month = "", day, hour, minute, second, year] = match;
    return toMs({ year, month: monthNumber.get(month), day, hour, minute, second });
  }
  return undefined;
}

/**
 * `Sun, 06 Nov 1994 08:49:37 GMT` of a time in milliseconds since 1970; parts of a second are cut.
 * @throws RangeError outside the years 0000 to 9999.
 * Source: RFC 9110 section 5.6.7 (IMF-fixdate).
 */
export function renderHttpDate(ms: number): string {
  const day = Math.floor(ms / dayMs);
  return `${textsOfDay(day, ms).http}${renderTime(ms - day * dayMs)} GMT`;
}

/**
 * `2026-01-02T03:04:05.000Z` of a time in milliseconds since 1970. Milliseconds are always rendered `.000`, so that
 * listings agree with `Last-Modified`.
 * @throws RangeError outside the years 0000 to 9999.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
 */
export function renderIsoDate(ms: number): string {
  const day = Math.floor(ms / dayMs);
  return `${textsOfDay(day, ms).iso}${renderTime(ms - day * dayMs)}.000Z`;
}

function renderTime(msOfDay: number): string {
  const seconds = (msOfDay / 1000) | 0;
  const hour = (seconds / 3600) | 0;
  const minute = ((seconds - hour * 3600) / 60) | 0;
  return `${twoDigits[hour]}:${twoDigits[minute]}:${twoDigits[seconds - hour * 3600 - minute * 60]}`;
}

function textsOfDay(day: number, ms: number): DayTexts {
  const slot = day & (cachedDays - 1);
  const cached = dayCache[slot];
  if (cached !== undefined && cached.day === day) return cached;
  if (!(ms >= minMs && ms <= maxMs)) throw new RangeError(`Time must be within the years 0000 to 9999, not ${ms} ms`);
  const date = new Date(day * dayMs);
  const yearText = String(date.getUTCFullYear()).padStart(4, "0");
  const dayText = String(date.getUTCDate()).padStart(2, "0");
  const month = date.getUTCMonth();
  const texts: DayTexts = {
    day,
    http: `${shortDays[date.getUTCDay()]}, ${dayText} ${months[month]} ${yearText} `,
    iso: `${yearText}-${String(month + 1).padStart(2, "0")}-${dayText}T`,
  };
  dayCache[slot] = texts;
  return texts;
}

interface DateParts {
  readonly year: string | number | undefined;
  readonly month: string | number | undefined;
  readonly day: string | undefined;
  readonly hour: string | undefined;
  readonly minute: string | undefined;
  readonly second: string | undefined;
  readonly fraction?: string | undefined;
  readonly zone?: string | undefined;
}

function toMs(parts: DateParts): number | undefined {
  const month = Number(parts.month ?? Number.NaN);
  const day = Number(parts.day);
  const year = Number(parts.year);
  const hour = Number(parts.hour ?? 0);
  const minute = Number(parts.minute ?? 0);
  const second = Number(parts.second ?? 0);
  if (!(month >= 1 && month <= 12) || hour > 23 || minute > 59 || second > 59 || year < 100) return undefined;
  const midnightMs = Date.UTC(year, month - 1, day);
  const date = new Date(midnightMs);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  const fractionMs = Math.floor(Number(`0.${parts.fraction || "0"}`) * 1000 + 1e-6);
  const zoneMinutes = parseZone(parts.zone);
  if (zoneMinutes === undefined) return undefined;
  return midnightMs + ((hour * 60 + minute - zoneMinutes) * 60 + second) * 1000 + fractionMs;
}

/** Minutes east of Greenwich of `+hhmm` or `+hh:mm`; 0 when absent, undefined when impossible. */
function parseZone(zone: string | undefined): number | undefined {
  if (zone === undefined || zone === "") return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(-2));
  if (hours > 23 || minutes > 59) return undefined;
  const offset = hours * 60 + minutes;
  return zone.startsWith("-") ? -offset : offset;
}
