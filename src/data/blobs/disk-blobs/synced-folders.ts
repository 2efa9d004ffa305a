import { dirname } from "node:path";
import type { Disk } from "../disk.ts";

const maxRemembered = 65_536;

/**
 * Makes folders and remembers which of them are known to be durable. A folder that another request has just made is
 * synced again: its maker may not have come so far.
 */
export class SyncedFolders {
  readonly #disk: Disk;
  readonly #known = new Set<string>();

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /** When it resolves, the folder's entry in its parent survives power loss. */
  async ensure(folder: string): Promise<void> {
    if (this.#known.has(folder)) return;
    await this.#disk.makeFolder(folder);
    await this.#disk.syncFolder(dirname(folder));
    if (this.#known.size >= maxRemembered) this.#known.clear();
    this.#known.add(folder);
  }
}
