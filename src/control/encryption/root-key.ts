import { hkdfSync } from "node:crypto";
import { join } from "node:path";
import type { Random } from "#kernel/base/random.ts";
import { readPrivateFile, writeNewPrivateFile } from "../database/durable-file.ts";
import { StartRefusedError } from "../start-refused-error.ts";

/** The root of all keys. It encrypts nothing itself: keys for single purposes are derived from it. */
export interface RootKey {
  /** 32 bytes. */
  readonly bytes: Uint8Array;
  /** 16 hex digits that tell keys apart and reveal nothing of them. */
  readonly id: string;
}

/** What one derived key is for; each gives an unrelated key. */
export type KeyPurpose = "key-encryption-keys" | "control-secrets";

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
      "The data folder holds buckets, but its control database is missing or empty: restore it",
    );
  }
  const found = given ?? readKeyFile(dataDir);
  if (found !== undefined) return checkFit(makeRootKey(found), wantedId);
  if (wantedId !== undefined) {
    throw new StartRefusedError(`The data folder needs the root key with id ${wantedId}, and there is no root key`);
  }
  const bytes = random.bytes(keyBytes);
  writeNewPrivateFile(join(dataDir, fileName), `${Buffer.from(bytes).toString("base64")}\n`);
  return makeRootKey(bytes);
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

function checkFit(rootKey: RootKey, wantedId: string | undefined): RootKey {
  if (wantedId === undefined || wantedId === rootKey.id) return rootKey;
  throw new StartRefusedError(
    `The root key has id ${rootKey.id}, and the data folder needs the one with id ${wantedId}`,
  );
}

function readKeyFile(dataDir: string): Uint8Array | undefined {
  const file = readPrivateFile(join(dataDir, fileName));
  if (file === undefined) return undefined;
  if ((file.mode & 0o077) !== 0) {
    const mode = file.mode.toString(8).padStart(4, "0");
    throw new StartRefusedError(`The file ${fileName} has mode ${mode}; only its owner may read it: 0600 is wanted`);
  }
  if (!keyText.test(file.text))
    throw new StartRefusedError(`The file ${fileName} is damaged: the base64 of 32 bytes is wanted`);
  return new Uint8Array(Buffer.from(file.text, "base64"));
}
