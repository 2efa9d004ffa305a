import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";

/** Text of a file and its permission bits. */
export interface PrivateText {
  readonly text: string;
  /** Lower nine bits, such as 0o600. */
  readonly mode: number;
}

const privateMode = 0o600;
const maxTextBytes = 65_536;

/** Makes an empty file that only its owner reads and writes. @throws when it exists. */
export function createPrivateFile(path: string): void {
  closeSync(openSync(path, constants.O_CREAT | constants.O_EXCL | constants.O_RDWR, privateMode));
}

/**
 * Writes a new file with mode 0600 so that after a crash it is whole or absent: written and synced under another name,
 * then linked, then the folder is synced. @throws when the file exists already.
 */
export function writeNewPrivateFile(path: string, text: string): void {
  const temporary = writeTemporary(path, text);
  linkSync(temporary, path);
  syncFolder(dirname(path));
  rmSync(temporary);
}

/**
 * Writes a file with mode 0600 in place of one that may be there: after a crash the old or the new one is there, whole.
 * @param keep the old file stays under another name, its path with `.replaced-1` or the next free number.
 * @returns that name.
 */
export function replacePrivateFile(path: string, text: string, keep: boolean): string | undefined {
  const temporary = writeTemporary(path, text);
  const kept = keep && existsSync(path) ? findFreeName(`${path}.replaced-`) : undefined;
  if (kept !== undefined) {
    linkSync(path, kept);
    chmodSync(kept, privateMode);
  }
  renameSync(temporary, path);
  syncFolder(dirname(path));
  return kept;
}

function findFreeName(prefix: string): string {
  let number = 1;
  while (existsSync(`${prefix}${number}`)) number += 1;
  return `${prefix}${number}`;
}

/** A private file beside `path` that holds the text and is synced. */
function writeTemporary(path: string, text: string): string {
  const temporary = `${path}.new`;
  rmSync(temporary, { force: true });
  const file = openSync(temporary, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, privateMode);
  try {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  return temporary;
}

/** Text and mode of a file, or undefined when there is none. @throws when it cannot be read or is above 64 KiB. */
export function readPrivateFile(path: string): PrivateText | undefined {
  const file = openIfExists(path);
  if (file === undefined) return undefined;
  try {
    const { mode, size } = fstatSync(file);
    if (size > maxTextBytes) throw new Error(`A file of ${size} bytes is no key`);
    return { text: readFileSync(file, "utf8"), mode: mode & 0o777 };
  } finally {
    closeSync(file);
  }
}

function openIfExists(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** Makes what a file holds durable. */
export function syncFile(path: string): void {
  const file = openSync(path, constants.O_RDWR);
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Makes names made or removed in a folder durable. */
export function syncFolder(path: string): void {
  const folder = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** Whether the data folder holds the catalog of any bucket. */
export function hasBucketFolders(dataDir: string): boolean {
  try {
    return readdirSync(join(dataDir, "buckets")).length > 0;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return false;
    throw error;
  }
}

/** Size of the file system that a folder is on, bytes. */
export function readDiskBytes(path: string): number {
  const { blocks, bsize } = statfsSync(path);
  return blocks * bsize;
}
