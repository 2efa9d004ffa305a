import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DiskModel, keepsAll } from "./disk-model.ts";
import type { DiskHistory } from "./disk-step.ts";

/** SQLite's index of a log is mapped memory; the server's output was open before the log began. */
const unseen = /-shm$|^server\.log$/;

/**
 * Compares what a history leaves when nothing is lost with a real folder: a call that the model does not understand shows here.
 * @returns paths that differ
 */
export function compareWithDisk(history: DiskHistory, folder: string): string[] {
  const model = new DiskModel(history);
  for (const step of history.steps) model.apply(step);
  const image = model.crash(keepsAll);
  const found = readdirSync(folder, { recursive: true, withFileTypes: true });
  const differing = new Set(image.keys());
  for (const entry of found) {
    const path = join(entry.parentPath, entry.name).slice(folder.length + 1);
    const content = image.get(path);
    const isFolder = content === "folder";
    const isEqual =
      content !== undefined &&
      isFolder === entry.isDirectory() &&
      (isFolder || readFileSync(join(folder, path)).equals(content));
    if (isEqual) differing.delete(path);
    else differing.add(path);
  }
  return [...differing].filter((path) => !unseen.test(path)).sort();
}
