import { afterAll, expect, test } from "bun:test";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { becomeNobody } from "#testing/become-nobody.ts";
import type { DataFolderLock } from "./lock-data-folder.ts";
import { DataFolderError, requireDataFolder, takeDataFolder } from "./take-data-folder.ts";

const base = mkdtempSync(join(tmpdir(), "maxiofs-take-"));

afterAll(() => rmSync(base, { recursive: true, force: true }));

function take(dataDir: string): DataFolderLock {
  return takeDataFolder({ dataDir, pid: process.pid, uid: process.geteuid?.() ?? 0, log: { warn: () => {} } });
}

test("takeDataFolder: makes it when missing; requireDataFolder does not", () => {
  const dataDir = join(base, "a", "b");
  expect(() => requireDataFolder(dataDir)).toThrow("it does not exist");
  take(dataDir).release();
  requireDataFolder(dataDir);
});

test("takeDataFolder: a file, or a path through one, is told by its path and what is wanted", () => {
  const file = join(base, "file");
  writeFileSync(file, "");
  for (const [path, reason] of [
    [file, "is no folder"],
    [join(file, "data"), "a part of its path is no folder"],
  ] as const) {
    for (const use of [() => take(path), () => requireDataFolder(path)]) {
      expect(use).toThrow(DataFolderError);
      expect(use).toThrow(`The data folder ${path} `);
      expect(use).toThrow(reason);
      expect(use).toThrow("--data");
    }
  }
});

test("takeDataFolder: a folder that holds other things alone is refused and stays as it is; what is left of a data folder is taken", () => {
  const shared = join(base, "shared");
  mkdirSync(shared);
  chmodSync(shared, 0o1777);
  writeFileSync(join(shared, "somebody's"), "");
  expect(() => take(shared)).toThrow("holds other things");
  expect(statSync(shared).mode & 0o7777).toBe(0o1777);
  expect(readdirSync(shared)).toEqual(["somebody's"]);
  for (const [index, name] of ["buckets", "control.db", "root.key", "lost+found"].entries()) {
    const folder = join(base, `left-${index}`);
    mkdirSync(join(folder, name), { recursive: true });
    take(folder).release();
  }
});

test("takeDataFolder: on a full disk room that is kept for deletes is given up, and without any it says what to do", () => {
  const dataDir = join(base, "full");
  take(dataDir).release();
  const reserve = join(dataDir, "reserve.bin");
  const warnings: string[] = [];
  const log = { warn: (message: string) => void warnings.push(message) };
  const takeWith = (rooms: number[]) =>
    takeDataFolder({ dataDir, pid: process.pid, uid: 0, log, freeBytes: () => rooms.shift() ?? 0 });
  expect(() => takeWith([0, 0])).toThrow("make room outside it");
  writeFileSync(reserve, Buffer.alloc(6 * 2 ** 20));
  takeWith([4 * 2 ** 20, 4 * 2 ** 20]).release();
  expect([statSync(reserve).size, warnings]).toEqual([6 * 2 ** 20, []]);
  takeWith([4 * 2 ** 20 - 1, 8 * 2 ** 20]).release();
  expect([statSync(reserve).size, warnings]).toEqual([
    2 * 2 ** 20,
    [expect.stringContaining("given up for the start")],
  ]);
  takeWith([0, 2 ** 20]).release();
  expect(statSync(reserve).size).toBe(0);
});

test("takeDataFolder: a folder without permission is told as such", () => {
  chmodSync(base, 0o755);
  const [closed, inside] = [join(base, "closed"), join(base, "closed", "data")];
  mkdirSync(closed, { mode: 0o500 });
  if (process.geteuid?.() === 0) chownSync(closed, 65_534, 65_534);
  expect(refusal("takeDataFolder", closed)).toContain("cannot be written: this user has no permission");
  expect(refusal("takeDataFolder", inside)).toContain("cannot be made: this user has no permission");
  chmodSync(closed, 0o000);
  expect(refusal("requireDataFolder", closed)).toContain("cannot be read: this user has no permission");
  expect(refusal("requireDataFolder", inside)).toContain("cannot be reached: this user has no permission");
  chmodSync(closed, 0o700);
});

/** The message of what a call throws for a user to whom permissions apply. */
function refusal(name: "takeDataFolder" | "requireDataFolder", dataDir: string): string {
  const program = `
    const module = await import(${JSON.stringify(join(import.meta.dir, "take-data-folder.ts"))});
    (${becomeNobody.toString()})();
    const [dataDir, pid, uid, log] = [process.argv[1], 1, process.geteuid(), { warn() {} }];
    try { module.${name}(${name === "takeDataFolder" ? "{ dataDir, pid, uid, log }" : "dataDir"}); } catch (error) { console.log(error.message); }`;
  const child = Bun.spawnSync([process.execPath, "-e", program, dataDir]);
  return `${child.stdout}${child.stderr}`;
}
