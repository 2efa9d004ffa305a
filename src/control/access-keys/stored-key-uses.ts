import type { KeyUse } from "#kernel/protocol/key-use.ts";
import type { ControlDatabase } from "../database/control-database.ts";
import type { SnapshotPublisher } from "../snapshot/publisher.ts";

/** Keys whose use is written in one transaction: others wait for the database only that long. */
const maxUsesPerTransaction = 500;

/** What keeping uses needs. */
export interface StoredKeyUsesOptions {
  readonly database: Pick<ControlDatabase, "transaction">;
  readonly publisher: Pick<SnapshotPublisher, "entries">;
}

/**
 * The last use of each access key: known at once, written when `write` is called, which bounds how often a busy key costs a row. A
 * crash loses what was not written.
 */
export class StoredKeyUses {
  readonly #options: StoredKeyUsesOptions;
  readonly #waiting = new Map<string, KeyUse>();

  constructor(options: StoredKeyUsesOptions) {
    this.#options = options;
  }

  /** Takes uses in, in any order; those of keys that are gone are forgotten, which bounds what waits. */
  note(uses: readonly KeyUse[]): void {
    const keys = this.#options.publisher.entries("key");
    for (const use of uses) {
      const known = this.#waiting.get(use.accessKeyId);
      const isNewer = known === undefined || known.usedAtMs <= use.usedAtMs;
      if (isNewer && keys.has(use.accessKeyId)) this.#waiting.set(use.accessKeyId, use);
    }
  }

  /** A use that is newer than the stored one. */
  find(accessKeyId: string): KeyUse | undefined {
    return this.#waiting.get(accessKeyId);
  }

  /** Writes what waits; what cannot be written waits on. */
  async write(): Promise<void> {
    const uses = [...this.#waiting.values()];
    for (let start = 0; start < uses.length; start += maxUsesPerTransaction) {
      await this.#writeSome(uses.slice(start, start + maxUsesPerTransaction));
    }
  }

  async #writeSome(uses: readonly KeyUse[]): Promise<void> {
    await this.#options.database.transaction(async (queries) => {
      for (const { accessKeyId, operation, usedAtMs } of uses) {
        await queries.run(
          `UPDATE access_keys SET last_used_at_ms = $1, last_used_operation = $2
             WHERE access_key_id = $3 AND (last_used_at_ms IS NULL OR last_used_at_ms <= $4)`,
          [usedAtMs, operation, accessKeyId, usedAtMs],
        );
      }
    });
    for (const use of uses) if (this.#waiting.get(use.accessKeyId) === use) this.#waiting.delete(use.accessKeyId);
  }
}
