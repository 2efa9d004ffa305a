import type { KeyEntry, KeyLimits } from "#kernel/protocol/identities.ts";
import type { ControlQueries, SqlRow } from "../database/control-database.ts";
import { readInteger, readJson, readText } from "../database/row-values.ts";
import type { SealedPlace, Sealer } from "../encryption/seal.ts";
import { readLimits } from "../iam/read-identities.ts";

/** A key to be stored; the rest of `KeyEntry` is found through its user. */
export interface NewKeyRow {
  readonly accessKeyId: string;
  readonly secretKey: string;
  readonly userId: string;
  /** Text of the policy that narrows it; null: it may do what its user may. */
  readonly policy: string | null;
  /** Texts of the policies of the key that made it. */
  readonly inherited?: readonly string[];
  /** Id of the narrowed key that made it; null and absent: something else did. */
  readonly madeBy?: string | null;
  readonly description: string;
  /** Milliseconds since 1970; null: never. */
  readonly expiresAtMs: number | null;
  readonly limits: KeyLimits;
  readonly createdAtMs: number;
}

/** A key that is changed. */
export type ChangedKeyRow = Omit<NewKeyRow, "secretKey" | "userId" | "inherited" | "madeBy" | "createdAtMs"> &
  Pick<KeyEntry, "enabled">;

const COLUMNS = `k.access_key_id, k.sealed_secret, k.is_enabled, k.key_policy, k.inherited_policies, k.expires_at_ms,
  k.limits, u.user_id, u.tenant_id`;

/** The table of access keys. Secrets are sealed; they are in the clear only in memory. */
export class AccessKeyStore {
  readonly #sealer: Sealer;

  constructor(sealer: Sealer) {
    this.#sealer = sealer;
  }

  /** Every key, by id. @throws SealBrokenError when a secret does not open. */
  async readAll(queries: Pick<ControlQueries, "all">): Promise<readonly KeyEntry[]> {
    const rows = await queries.all(
      `SELECT ${COLUMNS} FROM access_keys k JOIN users u ON u.user_id = k.user_id ORDER BY k.access_key_id`,
    );
    return rows.map((row) => this.#readEntry(row));
  }

  /** Stores a key, enabled. @returns false when the id is taken. */
  async insert(queries: ControlQueries, key: NewKeyRow): Promise<boolean> {
    const sealed = this.#sealer.seal(Buffer.from(key.secretKey), placeOf(key.accessKeyId));
    const changed = await queries.run(
      `INSERT INTO access_keys (access_key_id, user_id, sealed_secret, is_enabled, key_policy, description, expires_at_ms,
         limits, created_at_ms, inherited_policies, made_by)
       VALUES ($1, $2, $3, 1, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (access_key_id) DO NOTHING`,
      [
        ...[key.accessKeyId, key.userId, sealed, key.policy, key.description, key.expiresAtMs],
        ...[JSON.stringify(key.limits), key.createdAtMs, JSON.stringify(key.inherited ?? []), key.madeBy ?? null],
      ],
    );
    return changed === 1;
  }

  /** Removes a key. @returns false when there is none. */
  async remove(queries: ControlQueries, accessKeyId: string): Promise<boolean> {
    return (await queries.run("DELETE FROM access_keys WHERE access_key_id = $1", [accessKeyId])) === 1;
  }

  /** Replaces what of a key can be changed. @returns false when there is none. */
  async update(queries: ControlQueries, key: ChangedKeyRow): Promise<boolean> {
    const { policy, enabled, description, expiresAtMs, limits, accessKeyId } = key;
    const changed = await queries.run(
      `UPDATE access_keys SET key_policy = $1, is_enabled = $2, description = $3, expires_at_ms = $4, limits = $5,
         revision = revision + 1 WHERE access_key_id = $6`,
      [policy, enabled ? 1 : 0, description, expiresAtMs, JSON.stringify(limits), accessKeyId],
    );
    return changed === 1;
  }

  /** Bounds a key by the one that made it: disabled with it, and ending no later. */
  async bound(
    queries: ControlQueries,
    accessKeyId: string,
    maker: Pick<KeyEntry, "enabled" | "expiresAtMs">,
  ): Promise<void> {
    if (!maker.enabled)
      await queries.run(
        "UPDATE access_keys SET is_enabled = 0, revision = revision + 1 WHERE access_key_id = $1 AND is_enabled = 1",
        [accessKeyId],
      );
    if (maker.expiresAtMs === null) return;
    await queries.run(
      `UPDATE access_keys SET expires_at_ms = $1, revision = revision + 1
         WHERE access_key_id = $2 AND (expires_at_ms IS NULL OR expires_at_ms > $3)`,
      [maker.expiresAtMs, accessKeyId, maker.expiresAtMs],
    );
  }

  /** One key; undefined when there is none. @throws SealBrokenError when the secret does not open. */
  async find(queries: Pick<ControlQueries, "all">, accessKeyId: string): Promise<KeyEntry | undefined> {
    const sql = `SELECT ${COLUMNS} FROM access_keys k JOIN users u ON u.user_id = k.user_id WHERE k.access_key_id = $1`;
    const [row] = await queries.all(sql, [accessKeyId]);
    return row && this.#readEntry(row);
  }

  #readEntry(row: SqlRow): KeyEntry {
    const accessKeyId = readText(row, "access_key_id");
    const secret = this.#sealer.open(readText(row, "sealed_secret"), placeOf(accessKeyId));
    const own = row["key_policy"] === null ? [] : [readText(row, "key_policy")];
    return {
      accessKeyId,
      secretKey: Buffer.from(secret).toString(),
      enabled: readInteger(row, "is_enabled") === 1,
      userId: readText(row, "user_id"),
      tenantId: readText(row, "tenant_id"),
      expiresAtMs: row["expires_at_ms"] === null ? null : readInteger(row, "expires_at_ms"),
      narrowing: [...readInherited(row), ...own],
      limits: readLimits(row, "limits"),
    };
  }
}

function placeOf(accessKeyId: string): SealedPlace {
  return { table: "access_keys", row: accessKeyId, column: "sealed_secret" };
}

/** Texts of the policies that a row of `access_keys` inherited. @throws TypeError when they are no list */
export function readInherited(row: SqlRow): readonly string[] {
  const value = readJson(row, "inherited_policies");
  if (!Array.isArray(value)) throw new TypeError("Policies of a key are no list");
  return value.map(String);
}
