import { t } from "elysia";

/** Characters that show nothing by themselves: blanks, fillers, joiners, marks of direction. Source: Unicode, Default_Ignorable_Code_Point. */
const invisible =
  "\\s\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f\\u2800\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0";

/** Control characters, line and paragraph separators, and what turns the direction of the text around it (Unicode, UAX #9). */
const refused = "\\u0000-\\u001f\\u007f-\\u009f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069";

/**
 * A line that people read in lists and logs: one visible character at least, no control characters, nothing that makes other text look
 * different. Joiners stay, for scripts and emoji need them.
 * @param maxLength UTF-16 units
 */
export function visibleText(maxLength: number) {
  return t.String({ minLength: 1, maxLength, pattern: `^(?=[^]*[^${invisible}])[^${refused}]*$` });
}
