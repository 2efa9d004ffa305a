import { t } from "elysia";

/**
 * A whole number of a JSON body. The framework's own kind takes texts as well, `" "` for 0 and `"0x10"` for 16: that is for queries,
 * where all is text.
 */
export function wholeNumber(bounds: { readonly minimum: number; readonly maximum?: number }) {
  return t.Number({ ...bounds, multipleOf: 1 });
}
