import type { Random } from "#kernel/base/random.ts";
import type { KeyEncryptionKey } from "#kernel/protocol/to-data.ts";
import { hasBucketFolders, readPrivateFile, replacePrivateFile } from "../database/durable-file.ts";
import { openControlDatabase } from "../database/open-control-database.ts";
import { readControlDatabase } from "../database/read-control-database.ts";
import { keySealer, readRootKeyId, readStoredKeys, resealKey } from "./key-encryption-keys.ts";
import type { RecoveryKeys } from "./recovery-bundle.ts";
import { makeRootKey, parseRootKey, renderRootKey, rootKeyPath } from "./root-key.ts";

/** The keys of a recovery bundle, and the data folder whose root key they are to put back. */
export interface KeyImport {
  /** Absolute path; it exists. */
  readonly dataDir: string;
  /** Where the root key is to be; `root.key` in the data folder when absent. */
  readonly keyPath?: string;
  readonly found: RecoveryKeys;
  /** Replace the root key of a folder that holds no data. */
  readonly mayReplace: boolean;
  readonly random: Random;
  /** Tries the keys on some objects of the folder, which needs the data plane. */
  readonly tryKeys: (keys: readonly KeyEncryptionKey[]) => Promise<KeyTrial>;
}

/** What the keys did to the objects they were tried on. */
export interface KeyTrial {
  readonly openedObjects: number;
  readonly refusedObjects: number;
}

/** What was done, and what shows that it is right. */
export interface KeyImportResult extends KeyTrial {
  readonly rootKeyId: string;
  readonly keyPath: string;
  /** `unchanged`: the right key was there. */
  readonly outcome: "written" | "unchanged";
  /** Where the file that was there is now. */
  readonly keptPath?: string;
  /** Key-encryption keys of the folder that the root key opens; 0 when the folder holds no data, so that nothing is shown. */
  readonly openedKeys: number;
  /** Versions of key-encryption keys that were damaged and were restored too. */
  readonly restoredVersions: readonly number[];
}

/** The bundle's keys are not put into the folder; nothing was changed. The message is for the operator. */
class KeyImportError extends Error {
  override readonly name = "KeyImportError";
  /** `EX_DATAERR`. Source: sysexits.h. */
  readonly exitCode = 65;
}

/** What the folder says about the keys of the bundle. */
interface Proof extends KeyTrial {
  readonly openedKeys: number;
  readonly damagedVersions: readonly number[];
}

/**
 * Puts the root key of a recovery bundle back, and with it key-encryption keys whose rows are damaged. Before anything is
 * written the keys are tried on what the folder holds; afterwards the file is read again.
 * @throws KeyImportError when the bundle's keys are not the folder's, nothing can show that they are, or another key is in their place.
 */
export async function importKeys(source: KeyImport): Promise<KeyImportResult> {
  const { dataDir, keyPath = rootKeyPath(dataDir), found, random } = source;
  const proof = await prove(source, found);
  const { rootKey } = found;
  const isShown = proof.openedKeys + proof.damagedVersions.length > 0;
  const placed = placeKey(keyPath, found, isShown || source.mayReplace);
  const restored = found.keys.filter(({ version }) => proof.damagedVersions.includes(version));
  if (restored.length > 0) {
    const database = await openControlDatabase(dataDir);
    try {
      for (const key of restored) await resealKey(database, keySealer(rootKey, random), key);
    } finally {
      await database.close();
    }
  }
  const after = await prove(source, { rootKey: makeRootKey(readKey(keyPath) ?? new Uint8Array(32)), keys: found.keys });
  if (after.damagedVersions.length > 0) throw new KeyImportError(`${keyPath} does not open the data folder after all`);
  const restoredVersions = restored.map(({ version }) => version);
  return { ...after, ...placed, rootKeyId: rootKey.id, keyPath, restoredVersions };
}

async function prove({ dataDir, random, tryKeys }: KeyImport, found: RecoveryKeys): Promise<Proof> {
  const nothing = { openedKeys: 0, openedObjects: 0, refusedObjects: 0, damagedVersions: [] };
  const database = readControlDatabase(dataDir);
  try {
    const wantedId = database && (await readRootKeyId(database));
    if (database === undefined || wantedId === undefined) {
      if (!hasBucketFolders(dataDir)) return nothing;
      throw new KeyImportError(
        `The data folder ${dataDir} holds buckets, but control.db in it is missing or empty: restore it first, then import the keys`,
      );
    }
    if (wantedId !== found.rootKey.id) {
      throw new KeyImportError(
        `The recovery bundle holds the root key with id ${found.rootKey.id}, and the data folder ${dataDir} needs the one with id ${wantedId}: it is the bundle of another data folder`,
      );
    }
    const stored = await readStoredKeys(database, keySealer(found.rootKey, random));
    const damagedVersions = stored.filter(({ key }) => key === undefined).map(({ version }) => version);
    const keys = stored.flatMap(({ version, key = findKey(found, version) }) => (key ? [{ version, key }] : []));
    if (keys.length < stored.length) {
      throw new KeyImportError(
        `Key-encryption keys ${damagedVersions} in control.db are damaged, and the bundle is older`,
      );
    }
    const trial = await tryKeys(keys);
    if (trial.openedObjects === 0 && trial.refusedObjects > 0) {
      throw new KeyImportError(`The keys of the recovery bundle open none of ${trial.refusedObjects} objects tried`);
    }
    return { ...trial, openedKeys: stored.length - damagedVersions.length, damagedVersions };
  } finally {
    database?.close();
  }
}

function findKey({ keys }: RecoveryKeys, version: number): Uint8Array | undefined {
  return keys.find((key) => key.version === version)?.key;
}

/** Writes the key's file unless the same key is there in a private file. */
function placeKey(
  keyPath: string,
  { rootKey }: RecoveryKeys,
  mayReplace: boolean,
): Pick<KeyImportResult, "outcome" | "keptPath"> {
  const file = readPrivateFile(keyPath);
  const bytes = file && parseRootKey(file.text);
  const isSame = bytes !== undefined && makeRootKey(bytes).id === rootKey.id;
  if (isSame && file?.mode === 0o600) return { outcome: "unchanged" };
  if (bytes !== undefined && !isSame && !mayReplace) {
    throw new KeyImportError(
      `${keyPath} holds another root key, with id ${makeRootKey(bytes).id}, and the data folder holds no data that shows which is right; --replace replaces it`,
    );
  }
  const keptPath = replacePrivateFile(keyPath, renderRootKey(rootKey.bytes), !isSame);
  return { outcome: "written", ...(keptPath !== undefined && { keptPath }) };
}

function readKey(keyPath: string): Uint8Array | undefined {
  const file = readPrivateFile(keyPath);
  return file && parseRootKey(file.text);
}
