import { existsSync, rmSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import type { ServerKind } from "../measured-server.ts";

/** One of the two builds under comparison. */
export interface Build {
  readonly name: string;
  /** Program and first arguments, up to and without `serve`. */
  readonly command: readonly string[];
  readonly kind: ServerKind;
  readonly root: string;
  /** Takes away what was made for it. */
  readonly remove: () => void;
}

/**
 * A build by the name a user gives it: a binary, a folder with the source, or a revision, which is checked out beside and installed.
 * A binary called `minio` is that of another store.
 * @param folder temporary, for checkouts
 * @throws Error when it is none of them
 */
export function openBuild(name: string, { root, folder }: { readonly root: string; readonly folder: string }): Build {
  const path = resolve(name);
  if (existsSync(path)) {
    const isFolder = statSync(path).isDirectory();
    const command = isFolder ? [process.execPath, "src/main.ts"] : [path];
    const kind = !isFolder && basename(path) === "minio" ? "minio" : "maxiofs";
    return { name, command, kind, root: isFolder ? path : root, remove: () => undefined };
  }
  const checkout = join(folder, `revision-${name.replaceAll(/[^\w.-]/g, "-")}`);
  const remove = () => {
    rmSync(checkout, { recursive: true, force: true });
    Bun.spawnSync(["git", "worktree", "prune"], { cwd: root });
  };
  try {
    run(["git", "worktree", "add", "--detach", checkout, name], root);
    run([process.execPath, "install", "--frozen-lockfile"], checkout);
  } catch (error) {
    remove();
    throw error;
  }
  return { name, command: [process.execPath, "src/main.ts"], kind: "maxiofs", root: checkout, remove };
}

function run(command: readonly string[], cwd: string): void {
  const { exitCode, stderr } = Bun.spawnSync([...command], { cwd });
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${stderr.toString().trim()}`);
}
