import { StartRefusedError } from "../start-refused-error.ts";
import type { Migration } from "./migration.ts";

/** What migrating needs of a database that is being opened. */
export interface MigrationTarget {
  /** Version of the schema, 0 for an empty file. */
  readVersion(): number;
  /** Oldest schema version whose code may work on this file. Asked only when the version is above 0. */
  readMinReader(): number;
  /** Runs the step's statements and sets version and minReader, all in one durable transaction. */
  apply(migration: Migration): void;
  /** Copies the file beside itself before its schema changes. */
  copyBefore(version: number): void;
}

/**
 * Brings the schema up to date. A newer schema is accepted as long as it says that this code can work on it, so that
 * one step back to the previous release needs no restore.
 * @throws StartRefusedError when a newer release made the file unreadable for this one.
 */
export function migrate(target: MigrationTarget, migrations: readonly Migration[]): void {
  const found = target.readVersion();
  const own = migrations.at(-1)?.version ?? 0;
  if (found > own) {
    const minReader = target.readMinReader();
    if (minReader <= own) return;
    throw new StartRefusedError(
      `The control database has schema version ${found}, which a release reading version ${minReader} or later can open; this one reads ${own}`,
    );
  }
  const pending = migrations.filter(({ version }) => version > found);
  if (pending.length > 0 && found > 0) target.copyBefore(found);
  for (const migration of pending) target.apply(migration);
}
