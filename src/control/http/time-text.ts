import { t } from "elysia";
import { ControlError } from "./control-error.ts";

/**
 * A moment in a request: RFC 3339, UTC, to the microsecond. The framework's own `date-time` also takes a text that only has one in it.
 */
export const momentText = t.String({ pattern: "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d(:\\d\\d(\\.\\d{1,6})?)?Z$" });

/**
 * ms since 1970.
 * @param pointer the part of the request, for the error
 * @throws ControlError InvalidRequest for a moment that no calendar has
 */
export function parseMoment(text: string, pointer: string): number {
  const ms = Date.parse(text);
  if (!Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text.slice(0, "2026-01-02".length))) return ms;
  throw new ControlError("InvalidRequest", undefined, [{ pointer, message: "must be a time (RFC 3339)" }]);
}
