import { SQLiteError } from "bun:sqlite";
import { CatalogUnavailableError } from "./sqlite-catalog/catalog-unavailable-error.ts";

/** True for errors that say: this bucket's catalog is missing, damaged or cannot be read now. */
export function isUnavailable(thrown: unknown): boolean {
  return thrown instanceof CatalogUnavailableError || thrown instanceof SQLiteError;
}
