import type { ControlQueries } from "../database/control-database.ts";
import { readText } from "../database/row-values.ts";

/** The stored settings, text by name. */
export async function readStoredSettings(queries: ControlQueries): Promise<ReadonlyMap<string, string>> {
  const rows = await queries.all("SELECT name, value FROM settings");
  return new Map(rows.map((row) => [readText(row, "name"), readText(row, "value")]));
}
