const decimal = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)$/;
/** Digits that a double keeps exactly; longer numbers would compare equal to their neighbours. */
const maxDigits = 15;

/** Four digits would be taken for a year by half of the readers. */
const epoch = /^-?(?:\d{1,3}|\d{5,11})$/;
const isoDate = /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?:Z|([+-])(\d\d):?(\d\d)))?$/;
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** A decimal number of at most 15 digits; undefined when the text is none. */
export function parseNumericValue(text: string): number | undefined {
  if (text.length > maxDigits + 2 || !decimal.test(text)) return undefined;
  return text.replace(/[^0-9]/g, "").length > maxDigits ? undefined : Number(text);
}

/**
 * Milliseconds since 1970 of an ISO 8601 date (day, or day and time with zone) or of whole seconds since 1970; undefined
 * when the text is neither or no such day exists.
 * Source: https://www.w3.org/TR/NOTE-datetime, as IAM's date operators want it.
 */
export function parseDateValue(text: string): number | undefined {
  if (epoch.test(text)) return Number(text) * 1000;
  const match = isoDate.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour = "0", minute = "0", second = "0", fraction = "0", sign, zoneHour, zoneMinute] =
    match;
  const midnightMs = Date.UTC(Number(year), Number(month) - 1, Number(day));
  const date = new Date(midnightMs);
  if (Number(year) < 100 || date.getUTCMonth() !== Number(month) - 1 || date.getUTCDate() !== Number(day))
    return undefined;
  const offsetMinutes = Number(zoneHour ?? 0) * 60 + Number(zoneMinute ?? 0);
  const isTime = Number(hour) < 24 && Number(minute) < 60 && Number(second) < 60;
  if (!isTime || Number(zoneHour ?? 0) > 23 || Number(zoneMinute ?? 0) > 59) return undefined;
  const minutes = Number(hour) * 60 + Number(minute) + (sign === "-" ? offsetMinutes : -offsetMinutes);
  return midnightMs + (minutes * 60 + Number(second)) * 1000 + Math.floor(Number(`0.${fraction}`) * 1000 + 1e-6);
}

/** `true` or `false` in any case; undefined for anything else. */
export function parseBooleanValue(text: string): boolean | undefined {
  switch (text.toLowerCase()) {
    case "true":
      return true;
    case "false":
      return false;
    default:
      return undefined;
  }
}

/** True when the text is padded base64, so that equal bytes have equal texts. */
export function isBase64Value(text: string): boolean {
  return base64.test(text);
}
