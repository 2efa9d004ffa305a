import type { Grant, KeyEntry } from "#kernel/protocol/snapshot.ts";
import type { ControlQueries, SqlRow } from "../database/control-database.ts";
import { readInteger, readJson, readText } from "../database/row-values.ts";
import type { SealedPlace, Sealer } from "../encryption/seal.ts";

/** A key to be stored; the rest of `KeyEntry` is found through its user. */
export interface NewKeyRow {
  readonly accessKeyId: string;
  readonly secretKey: string;
  readonly userId: string;
  readonly grants: readonly Grant[];
  readonly createdAtMs: number;
}

/** The table of access keys. Secrets are sealed; they are in the clear only in memory. */
export class AccessKeyStore {
  readonly #sealer: Sealer;

  constructor(sealer: Sealer) {
    this.#sealer = sealer;
  }

  /** Every key with its identity, by id. @throws SealBrokenError when a secret does not open. */
  async readAll(queries: ControlQueries): Promise<readonly KeyEntry[]> {
    const rows = await queries.all(
      `SELECT k.access_key_id, k.sealed_secret, k.is_enabled, k.grants, u.user_id, u.name, u.is_administrator,
         t.tenant_id, t.account_id, t.canonical_id, t.display_name
       FROM access_keys k JOIN users u ON u.user_id = k.user_id JOIN tenants t ON t.tenant_id = u.tenant_id
       ORDER BY k.access_key_id`,
    );
    return rows.map((row) => this.#readEntry(row));
  }

  /** Stores a key, enabled. @returns false when the id is taken. */
  async insert(queries: ControlQueries, key: NewKeyRow): Promise<boolean> {
    const sealed = this.#sealer.seal(Buffer.from(key.secretKey), placeOf(key.accessKeyId));
    const changed = await queries.run(
      `INSERT INTO access_keys (access_key_id, user_id, sealed_secret, is_enabled, grants, created_at_ms)
       VALUES ($1, $2, $3, 1, $4, $5) ON CONFLICT (access_key_id) DO NOTHING`,
      [key.accessKeyId, key.userId, sealed, JSON.stringify(key.grants), key.createdAtMs],
    );
    return changed === 1;
  }

  /** Removes a key. @returns false when there is none. */
  async remove(queries: ControlQueries, accessKeyId: string): Promise<boolean> {
    return (await queries.run("DELETE FROM access_keys WHERE access_key_id = $1", [accessKeyId])) === 1;
  }

  /** Replaces grants and state of a key. @returns false when there is none. */
  async update(queries: ControlQueries, entry: KeyEntry): Promise<boolean> {
    const changed = await queries.run("UPDATE access_keys SET grants = $1, is_enabled = $2 WHERE access_key_id = $3", [
      JSON.stringify(entry.grants),
      entry.enabled ? 1 : 0,
      entry.accessKeyId,
    ]);
    return changed === 1;
  }

  #readEntry(row: SqlRow): KeyEntry {
    const accessKeyId = readText(row, "access_key_id");
    const secret = this.#sealer.open(readText(row, "sealed_secret"), placeOf(accessKeyId));
    return {
      accessKeyId,
      secretKey: Buffer.from(secret).toString(),
      enabled: readInteger(row, "is_enabled") === 1,
      userId: readText(row, "user_id"),
      userName: readText(row, "name"),
      tenantId: readText(row, "tenant_id"),
      accountId: readText(row, "account_id"),
      canonicalId: readText(row, "canonical_id"),
      displayName: readText(row, "display_name"),
      administrator: readInteger(row, "is_administrator") === 1,
      grants: parseGrants(readJson(row, "grants")),
    };
  }
}

function placeOf(accessKeyId: string): SealedPlace {
  return { table: "access_keys", row: accessKeyId, column: "sealed_secret" };
}

function parseGrants(value: unknown): readonly Grant[] {
  if (!Array.isArray(value)) throw new TypeError("Grants are no list");
  return value.map((grant: unknown) => {
    if (typeof grant !== "object" || grant === null || !("actions" in grant) || !("resources" in grant)) {
      throw new TypeError("A grant has no actions or no resources");
    }
    return { actions: parseTexts(grant.actions), resources: parseTexts(grant.resources) };
  });
}

function parseTexts(value: unknown): readonly string[] {
  if (!Array.isArray(value)) throw new TypeError("A grant's part is no list");
  return value.map(String);
}
