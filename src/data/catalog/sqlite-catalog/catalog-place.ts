import { CatalogUnavailableError } from "./catalog-unavailable-error.ts";
import { type FileId, type FoundFile, findFile, isSameFile, requireUsable } from "./file-id.ts";

/**
 * Remembers which files a writing connection has open, and tells whether they are still what their paths lead to. SQLite
 * itself goes on writing to a file that was removed or replaced, and what it commits there is gone with the last handle.
 *
 * `requireInPlace` costs two calls of `stat`, 5 us measured where a commit with its sync takes 100 us at the least. It is asked
 * after each commit and before the answer, so that whatever is acknowledged was, after it was synced, in the files at their
 * paths. What remains: a file that goes later takes what was acknowledged with it, as it takes everything else (found within a
 * second, see `CatalogWatch`); and a network file system may answer from its memory of the folder (NFS: `acregmax`, 60 s).
 */
export class CatalogPlace {
  readonly #path: string;
  /** The catalog that this connection has open. */
  readonly catalog: FileId;
  #log: FileId | undefined;
  #logBytes = 0;

  /**
   * Made before the catalog is opened; then call `requireInPlace`.
   * @param known what an earlier connection had open: anything else at the path is a replacement
   * @throws CatalogUnavailableError
   */
  constructor(path: string, known: FileId | undefined) {
    this.#path = path;
    if (!known) requireUsable(path, "write");
    const found = this.#read(path);
    this.catalog = known ?? found;
    if (!isSameFile(found, this.catalog)) throw replaced(path);
  }

  /** @throws CatalogUnavailableError `lost` when a file is missing or another one, `unreadable` when that cannot be told */
  requireInPlace(): void {
    if (!isSameFile(this.#read(this.#path), this.catalog)) throw replaced(this.#path);
    const logPath = `${this.#path}-wal`;
    const log = this.#read(logPath);
    this.#log ??= log;
    if (!isSameFile(log, this.#log)) throw replaced(logPath);
    this.#logBytes = log.sizeBytes;
  }

  /** Size of the write-ahead log when `requireInPlace` last looked. */
  get logBytes(): number {
    return this.#logBytes;
  }

  #read(path: string): FoundFile {
    let found: FoundFile | undefined;
    try {
      found = findFile(path);
    } catch (error) {
      const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
      throw new CatalogUnavailableError(`${path} cannot be looked at: ${code}`, "unreadable");
    }
    if (found) return found;
    throw new CatalogUnavailableError(
      `${path} was removed under the running server: put the same file back, or restore it while the server is stopped`,
      "lost",
    );
  }
}

function replaced(path: string): CatalogUnavailableError {
  return new CatalogUnavailableError(
    `${path} was replaced under the running server: put the first file back, or restart the server to take the new one (with its own -wal beside it, or none)`,
    "lost",
  );
}
