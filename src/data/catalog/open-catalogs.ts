/** Catalogs a thread keeps open at most; the least recently used is closed. */
export const maxOpenCatalogs = 256;

const leastOpenCatalogs = 4;
/** Database and write-ahead log; the writer holds the lock's file too. */
const [filesPerReader, filesPerWriter] = [2, 3];

/**
 * Catalogs that each of `workerCount` workers and the writer keep open where the process may open `openFileLimit` files: together
 * they take half of what connections leave.
 */
export function openCatalogShare(openFileLimit: number, workerCount: number): number {
  const share = Math.floor(openFileLimit / 8 / (workerCount * filesPerReader + filesPerWriter));
  return Math.min(maxOpenCatalogs, Math.max(leastOpenCatalogs, share));
}
