import { afterEach, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StartRefusedError } from "../start-refused-error.ts";
import { tightenDataFolder } from "./tighten-data-folder.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function makeFolder(mode: number): string {
  const folder = mkdtempSync(join(tmpdir(), "maxiofs-tighten-"));
  folders.push(folder);
  chmodSync(folder, mode);
  return folder;
}

function modeOf(path: string): number {
  return statSync(path).mode & 0o7777;
}

function tighten(dataDir: string, change: { uid?: number; code?: string } = {}): string[] {
  const lines: string[] = [];
  const log = { warn: (message: string) => void lines.push(message) };
  const refuse = () => {
    throw Object.assign(new Error("refused"), { code: change.code });
  };
  const chmod = change.code === undefined ? {} : { chmod: refuse };
  tightenDataFolder({ dataDir, uid: change.uid ?? statSync(dataDir).uid, log, ...chmod });
  return lines;
}

test("tightenDataFolder: an earlier folder loses the rights of others, files and buckets too, with one line", () => {
  const dataDir = makeFolder(0o755);
  for (const name of ["control.db", "lock.db", "root.key"]) writeFileSync(join(dataDir, name), "", { mode: 0o644 });
  for (const name of ["buckets", "not-ours"]) mkdirSync(join(dataDir, name), { mode: 0o755 });
  // A volume whose files shall belong to a group has this bit; entries made from now on would inherit it.
  chmodSync(dataDir, 0o2755);
  expect(tighten(dataDir)).toEqual(["The data folder was open to other users: their rights were taken away"]);
  expect(["", "control.db", "lock.db", "root.key", "buckets", "not-ours"].map((n) => modeOf(join(dataDir, n)))).toEqual(
    [0o2700, 0o600, 0o600, 0o644, 0o700, 0o755],
  );
  expect(tighten(dataDir)).toEqual([]);
});

test("tightenDataFolder: one that is missing or private already is left alone", () => {
  expect(tighten(makeFolder(0o700))).toEqual([]);
  const lines: string[] = [];
  tightenDataFolder({ dataDir: "/nonexistent/data", uid: 0, log: { warn: (line) => void lines.push(line) } });
  expect(lines).toEqual([]);
});

test("tightenDataFolder: a folder of another user that cannot be tightened is refused, naming all of it", () => {
  const dataDir = makeFolder(0o755);
  const owner = statSync(dataDir).uid;
  const refused = () => tighten(dataDir, { uid: owner + 1, code: "EPERM" });
  if (owner === 0) {
    expect(refused()).toEqual(["The data folder is open to other users and its mode cannot be changed"]);
    chmodSync(dataDir, 0o777);
  }
  expect(refused).toThrow(StartRefusedError);
  expect(refused).toThrow(`${dataDir} belongs to user ${owner}`);
  expect(refused).toThrow(`this process is user ${owner + 1}`);
});

test("tightenDataFolder: a file system that keeps its modes is accepted with a warning", () => {
  for (const code of ["EROFS", "ENOTSUP", "EPERM"])
    expect(tighten(makeFolder(0o755), { code })).toEqual([
      "The data folder is open to other users and its mode cannot be changed",
    ]);
});
