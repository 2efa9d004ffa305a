import { existsSync } from "node:fs";
import { tmpdir } from "node:os";

const memoryFolder = "/dev/shm";

/** Where images are made: in memory if the machine has such a place, since thousands of them are written and synced. */
export function scratchParent(): string {
  return existsSync(memoryFolder) ? memoryFolder : tmpdir();
}
