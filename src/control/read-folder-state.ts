import type { Random } from "#kernel/base/random.ts";
import type { KeyEncryptionKey } from "#kernel/protocol/to-data.ts";
import { describeFileError } from "#kernel/settings/file-text.ts";
import { readBuckets } from "./buckets/bucket-store.ts";
import { hasBucketFolders } from "./database/durable-file.ts";
import { findServer } from "./database/lock-data-folder.ts";
import {
  ControlDatabaseDamagedError,
  type ControlReader,
  readControlDatabase,
} from "./database/read-control-database.ts";
import { openFolderKeys } from "./encryption/folder-keys.ts";
import { readRootKeyId } from "./encryption/key-encryption-keys.ts";

/** What can be known of a data folder without changing it. */
export interface FolderState {
  /** Names by id of the buckets that are in use; empty when the control database cannot be read. */
  readonly bucketNames: ReadonlyMap<string, string>;
  /** Oldest first; none when they cannot be had. */
  readonly keys: readonly KeyEncryptionKey[];
  /** Process id of a server that runs on the folder. */
  readonly server: string | undefined;
  /** What is wrong with the control database, a sentence each. */
  readonly damage: readonly string[];
  /** What could not be had, and why, a sentence each. */
  readonly unavailable: readonly string[];
}

/** Whose state. */
export interface FolderStateSource {
  /** Absolute path; it exists. */
  readonly dataDir: string;
  /** 32 bytes from the configuration, in place of the file. */
  readonly rootKey: Uint8Array | undefined;
  readonly random: Random;
}

/** Reads names, keys and state of a data folder, beside a server or without one; what fails is a sentence and no error. */
export async function readFolderState({ dataDir, rootKey, random }: FolderStateSource): Promise<FolderState> {
  const damage: string[] = [];
  const unavailable: string[] = [];
  /** What `work` gives; a failure is noted, on the list that it belongs to. */
  const attempt = async <T>(what: string, work: () => T | Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      (isDamage(error) ? damage : unavailable).push(`${what}: ${describeFileError(error)}`);
      return undefined;
    }
  };
  const server = await attempt("lock.db", () => findServer(dataDir));
  const database = await attempt("control.db", () => readControlDatabase(dataDir));
  if (database === undefined) {
    if (unavailable.length === 0 && damage.length === 0) damage.push("control.db is missing");
    return { bucketNames: new Map(), keys: [], server, damage, unavailable };
  }
  if (database.schemaVersion === 0) {
    database.close();
    // Else it is what a first start left that was cut off: the next one goes on.
    if (hasBucketFolders(dataDir))
      damage.push("control.db is empty or damaged, it has form 0, and there are buckets: it was lost");
    return { bucketNames: new Map(), keys: [], server, damage, unavailable };
  }
  damage.push(...database.findDamage().map((sentence) => `control.db: ${sentence}`));
  const bucketNames = await attempt("The names of the buckets", () => readNames(database));
  const isLost =
    hasBucketFolders(dataDir) && (await attempt("control.db", () => readRootKeyId(database))) === undefined;
  if (isLost && damage.length + unavailable.length === 0) {
    damage.push("control.db is empty, and there are buckets: it was lost, and a start made a new one");
  }
  const source = { dataDir, given: rootKey, random };
  const found = isLost ? undefined : await attempt("The keys", () => openFolderKeys(database, source));
  database.close();
  return { bucketNames: bucketNames ?? new Map(), keys: found?.keys ?? [], server, damage, unavailable };
}

function isDamage(error: unknown): boolean {
  if (error instanceof ControlDatabaseDamagedError) return true;
  return error instanceof Error && "code" in error && String(error.code).startsWith("SQLITE_CORRUPT");
}

async function readNames(database: ControlReader): Promise<ReadonlyMap<string, string>> {
  const buckets = await readBuckets(database);
  return new Map(
    buckets.filter(({ state }) => state === "active").map(({ entry: { bucketId, name } }) => [bucketId, name]),
  );
}
