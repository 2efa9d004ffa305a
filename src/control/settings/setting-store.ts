import { isSettingName, ruleOf, type SettingName } from "#kernel/settings/settings.ts";
import type { ControlQueries } from "../database/control-database.ts";
import { readInteger, readText } from "../database/row-values.ts";
import type { SealedPlace, Sealer } from "../encryption/seal.ts";

/** What is stored of the settings. */
export interface StoredSettings {
  /** Text by key; keys of newer releases included. */
  readonly texts: ReadonlyMap<string, string>;
  /** Goes up with every change. */
  readonly revision: number;
}

/** The table of settings. Secrets are sealed; they are in the clear only in memory. */
export class SettingStore {
  readonly #sealer: Sealer;

  constructor(sealer: Sealer) {
    this.#sealer = sealer;
  }

  /** Everything stored. @throws SealBrokenError when a secret does not open. */
  async readAll(queries: ControlQueries): Promise<StoredSettings> {
    const rows = await queries.all("SELECT name, value FROM settings");
    const texts = rows.map((row) => {
      const [name, value] = [readText(row, "name"), readText(row, "value")];
      return [name, isSecret(name) ? this.#open(name, value) : value] as const;
    });
    return { texts: new Map(texts), revision: await readRevision(queries) };
  }

  /** Stores one text, or removes it. */
  async write(queries: ControlQueries, name: SettingName, text: string | undefined): Promise<void> {
    if (text === undefined) {
      await queries.run("DELETE FROM settings WHERE name = $1", [name]);
      return;
    }
    const value = isSecret(name) ? this.#sealer.seal(Buffer.from(text), placeOf(name)) : text;
    await queries.run(
      "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
      [name, value],
    );
  }

  /** @returns the revision of what is stored from now on */
  async nextRevision(queries: ControlQueries): Promise<number> {
    await queries.run("UPDATE settings_revision SET revision = revision + 1 WHERE id = 1");
    return readRevision(queries);
  }

  #open(name: string, sealed: string): string {
    return Buffer.from(this.#sealer.open(sealed, placeOf(name))).toString();
  }
}

/** The stored texts that are no secrets: they need no key. */
export async function readPlainTexts(queries: ControlQueries): Promise<ReadonlyMap<string, string>> {
  const rows = await queries.all("SELECT name, value FROM settings");
  const texts = rows.map((row) => [readText(row, "name"), readText(row, "value")] as const);
  return new Map(texts.filter(([name]) => !isSecret(name)));
}

async function readRevision(queries: ControlQueries): Promise<number> {
  const [row] = await queries.all("SELECT revision FROM settings_revision WHERE id = 1");
  return row === undefined ? 1 : readInteger(row, "revision");
}

function isSecret(name: string): boolean {
  return isSettingName(name) && ruleOf(name).isSecret;
}

function placeOf(name: string): SealedPlace {
  return { table: "settings", row: name, column: "value" };
}
