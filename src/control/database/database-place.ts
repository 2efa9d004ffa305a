import { statSync } from "node:fs";
import { DatabaseUnavailableError, howToGiveBack } from "./database-unavailable-error.ts";

/** Device and inode, exact. */
type FileId = readonly [device: bigint, inode: bigint];

/**
 * Tells whether the files of an open database are still what their paths lead to. SQLite goes on writing to a file that was
 * removed or replaced; what it commits there is gone with the process. Asked after each commit and before the answer, so that a
 * change that was answered was in the file at its path after it was synced.
 */
export class DatabasePlace {
  readonly #path: string;
  readonly #database: FileId;
  #log: FileId | undefined;

  /** Made before the file is opened. @throws DatabaseUnavailableError when there is none */
  constructor(path: string) {
    this.#path = path;
    this.#database = readId(path);
  }

  /** @throws DatabaseUnavailableError when a file is missing or another one */
  requireInPlace(): void {
    requireSame(this.#path, this.#database);
    const logPath = `${this.#path}-wal`;
    this.#log ??= readId(logPath);
    requireSame(logPath, this.#log);
  }
}

function requireSame(path: string, wanted: FileId): void {
  const found = readId(path);
  if (found[0] === wanted[0] && found[1] === wanted[1]) return;
  throw new DatabaseUnavailableError(
    `${path} was replaced under the running server: put the first file back, or restart the server to take the new one (with its own -wal beside it, or none)`,
  );
}

function readId(path: string): FileId {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return [dev, ino];
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    if (code !== "ENOENT") throw new DatabaseUnavailableError(`${path} cannot be looked at: ${code}; ${howToGiveBack}`);
    throw new DatabaseUnavailableError(
      `${path} was removed under the running server: put the same file back, or restore it while the server is stopped`,
    );
  }
}
