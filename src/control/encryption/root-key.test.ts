import { afterEach, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "#kernel/base/clock.ts";
import { systemRandom } from "#kernel/base/random.ts";
import { openControlDatabase } from "../database/open-control-database.ts";
import { StartRefusedError } from "../start-refused-error.ts";
import { openKeyEncryptionKeys, readRootKeyId } from "./key-encryption-keys.ts";
import { deriveKey, makeRootKey, openRootKey, type RootKeySource } from "./root-key.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function makeSource(change: Partial<RootKeySource> = {}): RootKeySource {
  const dataDir = change.dataDir ?? mkdtempSync(join(tmpdir(), "maxiofs-root-key-"));
  folders.push(dataDir);
  return { dataDir, given: undefined, wantedId: undefined, hasObjects: false, random: systemRandom, ...change };
}

test("openRootKey: the first start makes a private file, later ones read it", () => {
  const source = makeSource();
  const first = openRootKey(source);
  expect(statSync(join(source.dataDir, "root.key")).mode & 0o777).toBe(0o600);
  expect(openRootKey(source)).toEqual(first);
  expect(openRootKey({ ...source, wantedId: first.id, hasObjects: true })).toEqual(first);
});

test("openRootKey: a configured key wins and leaves no file", () => {
  const source = makeSource({ given: new Uint8Array(32).fill(1) });
  expect(openRootKey(source).bytes).toEqual(new Uint8Array(32).fill(1));
  expect(() => statSync(join(source.dataDir, "root.key"))).toThrow();
});

test("openRootKey: another key than the data's is refused, naming both ids", () => {
  const wanted = makeRootKey(new Uint8Array(32).fill(1)).id;
  const seen = makeRootKey(new Uint8Array(32).fill(2)).id;
  const source = makeSource({ given: new Uint8Array(32).fill(2), wantedId: wanted });
  const opens = () => openRootKey(source);
  expect(opens).toThrow(StartRefusedError);
  expect(opens).toThrow(`The root key given by --root-key-file or MAXIOFS_ROOT_KEY[_FILE] has id ${seen}`);
  expect(opens).toThrow(`${source.dataDir} needs the one with id ${wanted}`);
});

test("openRootKey: a missing, damaged, unfit or unreadable key is told with its place and the way back", () => {
  const source = makeSource({ wantedId: "00112233", hasObjects: true });
  const path = join(source.dataDir, "root.key");
  const expectPlaces = (...parts: readonly string[]) => {
    for (const part of parts) expect(() => openRootKey(source)).toThrow(part);
  };
  const wayBack = `maxiofs keys import BUNDLE --data ${source.dataDir}`;
  expectPlaces(`${path} does not exist`, "--root-key-file", "MAXIOFS_ROOT_KEY", wayBack);
  writeFileSync(path, "damaged", { mode: 0o600 });
  expectPlaces(`${path} is damaged`, wayBack);
  writeFileSync(path, `${Buffer.alloc(32).toString("base64")}\n`);
  expectPlaces(`The root key in ${path} has id`, wayBack);
  rmSync(path);
  mkdirSync(path);
  expectPlaces(`${path} cannot be read: it is a folder`);
});

test("openRootKey: no key is made where data exists", () => {
  expect(() => openRootKey(makeSource({ wantedId: "00112233" }))).toThrow("id 00112233");
  const source = makeSource({ hasObjects: true });
  const told = `${join(source.dataDir, "control.db")} is missing or empty`;
  expect(() => openRootKey(source)).toThrow(told);
  expect(() => openRootKey({ ...source, given: new Uint8Array(32) })).toThrow(told);
});

test("openRootKey: a file that others may read, or that is damaged, is refused", () => {
  const source = makeSource();
  openRootKey(source);
  const path = join(source.dataDir, "root.key");
  for (const mode of [0o640, 0o604, 0o620, 0o601]) {
    chmodSync(path, mode);
    expect(() => openRootKey(source)).toThrow("`chmod 600 ");
  }
  chmodSync(path, 0o400);
  openRootKey(source);
  chmodSync(path, 0o600);
  writeFileSync(path, readFileSync(path, "utf8").slice(1));
  expect(() => openRootKey(source)).toThrow("damaged");
});

test("deriveKey: purposes have unrelated keys, and none is the root key", () => {
  const rootKey = makeRootKey(new Uint8Array(32).fill(3));
  const keys = [rootKey.bytes, deriveKey(rootKey, "key-encryption-keys"), deriveKey(rootKey, "control-secrets")];
  expect(new Set(keys.map((key) => Buffer.from(key).toString("hex"))).size).toBe(3);
  expect(rootKey.id).toMatch(/^[0-9a-f]{16}$/);
});

test("openKeyEncryptionKeys: made once, sealed at rest, refused under another root key", async () => {
  const { dataDir } = makeSource();
  const database = await openControlDatabase(dataDir);
  const source = { database, clock: systemClock, random: systemRandom };
  const rootKey = makeRootKey(new Uint8Array(32).fill(1));
  expect(await readRootKeyId(database)).toBeUndefined();
  const keys = await openKeyEncryptionKeys({ ...source, rootKey });
  expect(keys).toMatchObject([{ version: 1 }]);
  expect(keys[0]?.key.length).toBe(32);
  expect(await openKeyEncryptionKeys({ ...source, rootKey })).toEqual(keys);
  expect(await readRootKeyId(database)).toBe(rootKey.id);
  const other = makeRootKey(new Uint8Array(32).fill(2));
  await expect(openKeyEncryptionKeys({ ...source, rootKey: other })).rejects.toThrow(StartRefusedError);
  await database.close();
});
