import { hkdfSync } from "node:crypto";
import { join } from "node:path";
import type { Random } from "#kernel/base/random.ts";
import { describeFileError } from "#kernel/settings/file-text.ts";
import { type PrivateText, readPrivateFile, writeNewPrivateFile } from "../database/durable-file.ts";
import { StartRefusedError } from "../start-refused-error.ts";

/** The root of all keys. It encrypts nothing itself: keys for single purposes are derived from it. */
export interface RootKey {
  /** 32 bytes. */
  readonly bytes: Uint8Array;
  /** 16 hex digits that tell keys apart and reveal nothing of them. */
  readonly id: string;
}

/** What one derived key is for; each gives an unrelated key. */
export type KeyPurpose = "key-encryption-keys" | "control-secrets" | "session-csrf";

/** What finding the root key needs. */
export interface RootKeySource {
  readonly dataDir: string;
  /** 32 bytes from the configuration; they win over the file. */
  readonly given: Uint8Array | undefined;
  /** Id of the key that sealed what the folder holds; undefined when it holds nothing sealed. */
  readonly wantedId: string | undefined;
  /** The folder holds objects, whatever the control database says. */
  readonly hasObjects: boolean;
  readonly random: Random;
}

const fileName = "root.key";
const otherPlaces = "--root-key-file or MAXIOFS_ROOT_KEY[_FILE]";
const keyBytes = 32;
const keyText = /^[A-Za-z0-9+/]{43}=\n?$/;

/**
 * Finds the root key: the configured one, else the file `root.key` in the data folder, which the first start makes
 * (mode 0600, on disk before anything is sealed with it).
 * @throws StartRefusedError when data exists and there is no key or another one, naming the ids seen and wanted; when
 * there are objects but no keys of theirs; when the file is damaged; when others than its owner may read or write it.
 */
export function openRootKey(source: RootKeySource): RootKey {
  const { given, wantedId, random, dataDir } = source;
  if (wantedId === undefined && source.hasObjects) {
    throw new StartRefusedError(
      `The data folder ${dataDir} holds buckets, but its control database ${join(dataDir, "control.db")} is missing or empty. It holds keys, users and the names of buckets; objects are not touched. Restore it from a backup, with its own -wal beside it or none, then run \`maxiofs check\``,
    );
  }
  const path = rootKeyPath(dataDir);
  const found = given ?? readKeyFile(path, dataDir);
  if (found !== undefined) return checkFit(makeRootKey(found), source);
  if (wantedId !== undefined) {
    throw new StartRefusedError(
      `The data folder ${dataDir} needs the root key with id ${wantedId}, and there is none: ${path} does not exist, and ${otherPlaces} names no other; ${howToRestore(dataDir)}`,
    );
  }
  const bytes = random.bytes(keyBytes);
  writeNewPrivateFile(path, renderRootKey(bytes));
  return makeRootKey(bytes);
}

/** Where the root key of a data folder is, unless the configuration says otherwise. */
export function rootKeyPath(dataDir: string): string {
  return join(dataDir, fileName);
}

/** The text of a key's file. @param bytes 32 bytes */
export function renderRootKey(bytes: Uint8Array): string {
  return `${Buffer.from(bytes).toString("base64")}\n`;
}

/** The bytes of a key's file, or undefined when its text is damaged. */
export function parseRootKey(text: string): Uint8Array | undefined {
  return keyText.test(text) ? new Uint8Array(Buffer.from(text, "base64")) : undefined;
}

/** The key with its id. @param bytes 32 bytes. */
export function makeRootKey(bytes: Uint8Array): RootKey {
  return { bytes, id: Buffer.from(derive(bytes, "id", 8)).toString("hex") };
}

/** 32 bytes for one purpose. Source: RFC 5869 (HKDF) with SHA-256. */
export function deriveKey(rootKey: RootKey, purpose: KeyPurpose): Uint8Array {
  return derive(rootKey.bytes, purpose, keyBytes);
}

function derive(rootBytes: Uint8Array, purpose: string, length: number): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", rootBytes, "", `maxiofs/root/1/${purpose}`, length));
}

function checkFit(rootKey: RootKey, { wantedId, given, dataDir }: RootKeySource): RootKey {
  if (wantedId === undefined || wantedId === rootKey.id) return rootKey;
  const place = given === undefined ? `in ${rootKeyPath(dataDir)}` : `given by ${otherPlaces}`;
  throw new StartRefusedError(
    `The root key ${place} has id ${rootKey.id}, and the data folder ${dataDir} needs the one with id ${wantedId}; ${howToRestore(dataDir)}`,
  );
}

function readKeyFile(path: string, dataDir: string): Uint8Array | undefined {
  const file = readFile(path);
  if (file === undefined) return undefined;
  if ((file.mode & 0o077) !== 0) {
    const mode = file.mode.toString(8).padStart(4, "0");
    throw new StartRefusedError(`${path} has mode ${mode}; only its owner may read it: \`chmod 600 ${path}\``);
  }
  const bytes = parseRootKey(file.text);
  if (bytes === undefined) {
    throw new StartRefusedError(`${path} is damaged: the base64 of 32 bytes is wanted; ${howToRestore(dataDir)}`);
  }
  return bytes;
}

function readFile(path: string): PrivateText | undefined {
  try {
    return readPrivateFile(path);
  } catch (error) {
    throw new StartRefusedError(`${path} cannot be read: ${describeFileError(error)}`);
  }
}

function howToRestore(dataDir: string): string {
  return `put the right file back, or restore it from a recovery bundle: maxiofs keys import BUNDLE --data ${dataDir}`;
}
