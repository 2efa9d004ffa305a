import { existsSync, readFileSync } from "node:fs";

const path = "/proc/self/limits";

/** Files this process may open: `RLIMIT_NOFILE` as Linux shows it; elsewhere a cautious guess. */
export function readOpenFileLimit(): number {
  const text = existsSync(path) ? readFileSync(path, "utf8") : "";
  const [, limit] = /^Max open files\s+(\d+)/m.exec(text) ?? [];
  return limit === undefined ? 4096 : Number(limit);
}
