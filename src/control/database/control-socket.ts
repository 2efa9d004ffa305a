import { chmodSync, rmSync } from "node:fs";
import { join } from "node:path";

/** Longest path of a socket, bytes. Source: unix(7), `sun_path`. */
const maxPathBytes = 107;

/** Where commands reach a running server; undefined when the data folder's path is too long for a socket. */
export function controlSocketPath(dataDir: string): string | undefined {
  const path = join(dataDir, "control.sock");
  return Buffer.byteLength(path) <= maxPathBytes ? path : undefined;
}

/** Removes what a killed server left there. For the owner of the data folder's lock alone. */
export function clearControlSocket(path: string): void {
  rmSync(path, { force: true });
}

/** Lets nobody but the owner connect. */
export function closeControlSocketToOthers(path: string): void {
  chmodSync(path, 0o600);
}
