import { Database } from "bun:sqlite";
import { afterEach, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemRandom } from "#kernel/base/random.ts";
import { closeControl, closeControls, makeControlOptions, startControl } from "#testing/opened-control.ts";
import { openControl } from "../open-control.ts";
import { describeKeyImport } from "./describe-key-import.ts";
import { importKeys, type KeyImport, type KeyImportResult } from "./import-keys.ts";
import type { RecoveryKeys } from "./recovery-bundle.ts";
import { makeRootKey } from "./root-key.ts";

afterEach(closeControls);

interface Folder {
  readonly dataDir: string;
  readonly keyPath: string;
  readonly keyText: string;
  readonly found: RecoveryKeys;
}

/** A data folder that was used once, and its keys. */
async function makeFolder(): Promise<Folder> {
  const { control, dataDir } = await startControl();
  const keyPath = join(dataDir, "root.key");
  const keyText = readFileSync(keyPath, "utf8");
  const found = { rootKey: makeRootKey(Buffer.from(keyText, "base64")), keys: control.keys };
  await closeControl(control);
  return { dataDir, keyPath, keyText, found };
}

function put({ dataDir, found }: Folder, change: Partial<KeyImport> = {}): Promise<KeyImportResult> {
  const tryKeys = async () => ({ openedObjects: 1, refusedObjects: 0 });
  return importKeys({ dataDir, found, mayReplace: false, random: systemRandom, tryKeys, ...change });
}

/** Opens the folder as a start does. */
async function startAgain({ dataDir }: Folder): Promise<void> {
  const control = await openControl({ ...makeControlOptions(), dataDir });
  await control.close();
}

test("importKeys: a root key that is lost, damaged, another one or open to others comes back; what was there is kept", async () => {
  const folder = await makeFolder();
  const { keyPath, keyText } = folder;
  const other = `${Buffer.alloc(32, 9).toString("base64")}\n`;
  for (const [text, kept] of [
    [undefined, false],
    ["damaged", true],
    [other, true],
  ] as const) {
    rmSync(keyPath);
    if (text !== undefined) writeFileSync(keyPath, text, { mode: 0o644 });
    await expect(startAgain(folder)).rejects.toThrow();
    const result = await put(folder);
    expect(result).toMatchObject({ outcome: "written", openedKeys: 1, openedObjects: 1, restoredVersions: [] });
    expect([readFileSync(keyPath, "utf8"), statSync(keyPath).mode & 0o777]).toEqual([keyText, 0o600]);
    expect(result.keptPath !== undefined).toBe(kept);
    if (result.keptPath) expect(readFileSync(result.keptPath, "utf8")).toBe(text ?? "");
    await startAgain(folder);
  }
  chmodSync(keyPath, 0o644);
  expect(await put(folder)).toMatchObject({ outcome: "written" });
  expect(await put(folder)).toMatchObject({ outcome: "unchanged" });
  await startAgain(folder);
});

test("importKeys: the bundle of another folder and keys that open nothing change nothing", async () => {
  const [folder, other] = [await makeFolder(), await makeFolder()];
  rmSync(folder.keyPath);
  const wanted = `needs the one with id ${folder.found.rootKey.id}`;
  await expect(put({ ...folder, found: other.found })).rejects.toThrow(wanted);
  const tryKeys = async () => ({ openedObjects: 0, refusedObjects: 3 });
  await expect(put(folder, { tryKeys })).rejects.toThrow("open none of 3 objects");
  expect(existsSync(folder.keyPath)).toBe(false);
});

test("importKeys: a damaged key-encryption key is restored with the root key", async () => {
  const folder = await makeFolder();
  const database = new Database(join(folder.dataDir, "control.db"));
  database.run("UPDATE key_encryption_keys SET sealed_key = 'AAAA' || substr(sealed_key, 5)");
  database.close();
  await expect(startAgain(folder)).rejects.toThrow("maxiofs keys import");
  await expect(put({ ...folder, found: { ...folder.found, keys: [] } })).rejects.toThrow("the bundle is older");
  const result = await put(folder);
  expect(result).toMatchObject({ outcome: "unchanged", restoredVersions: [1], openedKeys: 1 });
  expect(describeKeyImport(result)).toContain("were restored: 1");
  await startAgain(folder);
});

test("importKeys: without data nothing is shown, and another key is replaced only when that is asked for", async () => {
  const { found } = await makeFolder();
  const empty = { ...(await makeFolder()), found };
  rmSync(empty.dataDir, { recursive: true });
  mkdirSync(empty.dataDir);
  writeFileSync(empty.keyPath, empty.keyText, { mode: 0o600 });
  await expect(put(empty)).rejects.toThrow("--replace");
  expect(readFileSync(empty.keyPath, "utf8")).toBe(empty.keyText);
  const result = await put(empty, { mayReplace: true });
  expect(result).toMatchObject({ outcome: "written", openedKeys: 0, rootKeyId: found.rootKey.id });
  expect(describeKeyImport(result)).toContain("nothing shows whether it is the right key");
});

test("importKeys: buckets without a control database are not opened by any key", async () => {
  const folder = await makeFolder();
  mkdirSync(join(folder.dataDir, "buckets", "b"), { recursive: true });
  rmSync(join(folder.dataDir, "control.db"));
  await expect(put(folder, { mayReplace: true })).rejects.toThrow("restore it first");
});

test("importKeys: the key goes where it is wanted", async () => {
  const folder = await makeFolder();
  const keyPath = join(folder.dataDir, "elsewhere.key");
  expect(await put(folder, { keyPath })).toMatchObject({ keyPath, outcome: "written" });
  expect(readFileSync(keyPath, "utf8")).toBe(folder.keyText);
});
