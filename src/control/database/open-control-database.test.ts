import { Database } from "bun:sqlite";
import { afterEach, expect, test } from "bun:test";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StartRefusedError } from "../start-refused-error.ts";
import { identityMigration } from "./migrations/0001-identity.ts";
import { openControlDatabase } from "./open-control-database.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "maxiofs-control-"));
  folders.push(folder);
  return folder;
}

const addColumn = { version: 2, minReader: 1, sql: "ALTER TABLE tenants ADD COLUMN note TEXT" };

test("openControlDatabase: makes a private file and keeps what was written", async () => {
  const folder = makeFolder();
  const first = await openControlDatabase(folder);
  await first.run("INSERT INTO settings (name, value) VALUES ($1, $2)", ["a", "b"]);
  await first.close();
  expect(statSync(join(folder, "control.db")).mode & 0o777).toBe(0o600);
  const second = await openControlDatabase(folder);
  expect(await second.all("SELECT name, value FROM settings")).toEqual([{ name: "a", value: "b" }]);
  await second.probe();
  await second.close();
});

test("openControlDatabase: an older schema is migrated, with a copy of what was before", async () => {
  const folder = makeFolder();
  await (await openControlDatabase(folder, [identityMigration])).close();
  const database = await openControlDatabase(folder, [identityMigration, addColumn]);
  await database.all("SELECT note FROM tenants");
  await database.close();
  const copy = new Database(join(folder, "control.db.pre-1"));
  expect(copy.query("PRAGMA user_version").get()).toEqual({ user_version: 1 });
  copy.close();
});

test("openControlDatabase: a newer schema opens as long as it allows this release", async () => {
  const folder = makeFolder();
  await (await openControlDatabase(folder, [identityMigration, addColumn])).close();
  await (await openControlDatabase(folder, [identityMigration])).close();
  await (
    await openControlDatabase(folder, [
      identityMigration,
      addColumn,
      { ...addColumn, version: 3, minReader: 3, sql: "SELECT 1" },
    ])
  ).close();
  await expect(openControlDatabase(folder, [identityMigration])).rejects.toThrow(StartRefusedError);
});

test("openControlDatabase: a step that fails leaves the schema as it was", async () => {
  const folder = makeFolder();
  await (await openControlDatabase(folder, [identityMigration])).close();
  const broken = { version: 2, minReader: 2, sql: "CREATE TABLE half (a TEXT); CREATE TABLE settings (a TEXT)" };
  await expect(openControlDatabase(folder, [identityMigration, broken])).rejects.toThrow();
  const database = await openControlDatabase(folder);
  expect(await database.all("SELECT name FROM sqlite_master WHERE name = $1", ["half"])).toEqual([]);
  await database.close();
});

test("openControlDatabase: a file that is no database is refused, not replaced", async () => {
  const folder = makeFolder();
  writeFileSync(join(folder, "control.db"), "x".repeat(8192));
  await expect(openControlDatabase(folder)).rejects.toThrow();
  expect(existsSync(join(folder, "control.db"))).toBe(true);
});

test("transaction: calls take turns, and a failure undoes all of it", async () => {
  const database = await openControlDatabase(makeFolder());
  const failing = database.transaction(async (queries) => {
    await queries.run("INSERT INTO settings (name, value) VALUES ($1, $2)", ["a", "1"]);
    await Bun.sleep(5);
    throw new Error("stop");
  });
  const outside = database.run("INSERT INTO settings (name, value) VALUES ($1, $2)", ["b", "2"]);
  await expect(failing).rejects.toThrow("stop");
  expect(await outside).toBe(1);
  expect(await database.all("SELECT name FROM settings")).toEqual([{ name: "b" }]);
  await database.close();
});

test("run: foreign keys and checks hold", async () => {
  const database = await openControlDatabase(makeFolder());
  const insert =
    "INSERT INTO users (user_id, tenant_id, name, name_folded, is_administrator, created_at_ms) VALUES ($1, $2, $3, $4, $5, $6)";
  await expect(database.run(insert, ["u", "nobody", "n", "n", 0, 0])).rejects.toThrow();
  await database.close();
});

test("openControlDatabase: a damaged file is refused with what it is and what to do, and kept", async () => {
  for (const [from, text] of [
    [0, "SQLITE_NOTADB"],
    [100, "SQLITE_CORRUPT"],
  ] as const) {
    const folder = makeFolder();
    await (await openControlDatabase(folder)).close();
    const path = join(folder, "control.db");
    const bytes = readFileSync(path);
    bytes.fill(0xa5, from);
    writeFileSync(path, bytes);
    const refused = await openControlDatabase(folder).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(StartRefusedError);
    for (const part of [path, text, "put a backup of it in its place", "maxiofs check"])
      expect(String(refused)).toContain(part);
    expect(readFileSync(path).equals(bytes)).toBe(true);
  }
});

test("openControlDatabase: a file that the system refuses is not called damaged: which one, why, and what to do", async () => {
  // Permissions do not stop root; a folder, and a chain of links without end, are refused to everybody.
  for (const [name, take, reason] of [
    ["control.db", mkdirSync, "is no file"],
    ["control.db", (path: string) => symlinkSync(path, path), "ELOOP"],
    ["control.db-wal", mkdirSync, "is no file"],
    ["control.db-wal", (path: string) => symlinkSync(path, path), "ELOOP"],
  ] as const) {
    const folder = makeFolder();
    await (await openControlDatabase(folder)).close();
    const path = join(folder, name);
    rmSync(path, { force: true });
    take(path);
    const refused = await openControlDatabase(folder).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(StartRefusedError);
    expect(String(refused)).not.toContain("damaged");
    for (const part of [path, reason, "must be files that belong to the user of the server"])
      expect(String(refused)).toContain(part);
  }
});

test("openControlDatabase: health of an open file that cannot be looked at any more says what to do", async () => {
  const folder = makeFolder();
  const path = join(folder, "control.db");
  const database = await openControlDatabase(folder);
  renameSync(path, `${path}.away`);
  symlinkSync(path, path);
  expect(database.probe()).rejects.toThrow(
    `${path} cannot be looked at: ELOOP; control.db and the files beside it must`,
  );
  await database.close();
});

test("openControlDatabase: a file that was removed or replaced takes no more changes, until it is back", async () => {
  const folder = makeFolder();
  const path = join(folder, "control.db");
  const database = await openControlDatabase(folder);
  const set = (name: string) => database.run("INSERT INTO settings (name, value) VALUES ($1, $2)", [name, "v"]);
  await set("a");
  for (const [file, message] of [
    [path, "removed"],
    [`${path}-wal`, "removed"],
    [path, "replaced"],
  ] as const) {
    renameSync(file, `${file}.away`);
    if (message === "replaced") copyFileSync(`${file}.away`, file);
    expect(set("b")).rejects.toThrow(`${file} was ${message}`);
    expect(database.transaction((queries) => queries.run("DELETE FROM settings"))).rejects.toThrow(message);
    expect(database.probe()).rejects.toThrow(message);
    expect(set("c")).rejects.toThrow(message);
    renameSync(`${file}.away`, file);
    await database.run("DELETE FROM settings WHERE name = $1", ["b"]);
    expect(await database.all("SELECT name FROM settings")).toEqual([{ name: "a" }]);
  }
  await database.close();
});
