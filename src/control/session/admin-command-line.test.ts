import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "#kernel/base/clock.ts";
import { systemRandom } from "#kernel/base/random.ts";
import { closeControl, closeControls, startControl } from "#testing/opened-control.ts";
import { controlSocketPath } from "../database/control-socket.ts";
import { takeDataFolder } from "../database/take-data-folder.ts";
import { type AdminCommandLine, runAdmin } from "./admin-command-line.ts";

const folders: string[] = [];
afterEach(async () => {
  await closeControls();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "maxiofs-control-"));
  folders.push(folder);
  return folder;
}

function commandLine(dataDir: string): AdminCommandLine {
  return {
    readPlace: () => ({ dataDir, settings: {} }),
    ...{ pid: process.pid, uid: process.geteuid?.() ?? 0, clock: systemClock, random: systemRandom },
    log: { warn: () => undefined },
  };
}

test("runAdmin: a folder without control.db, and one whose server does not answer, are told", async () => {
  const empty = makeFolder();
  expect(await runAdmin(["list"], commandLine(empty))).toEqual({
    isDone: false,
    lines: [`maxiofs: ${empty} has no control.db: --data (MAXIOFS_DATA) must name a data folder`],
  });
  const { control, dataDir } = await startControl();
  await closeControl(control);
  expect((await runAdmin(["list"], commandLine(dataDir))).lines).toEqual([
    "default/admin  administrator  password set  no second factor",
  ]);
  const lock = takeDataFolder({ ...commandLine(dataDir), dataDir });
  const answer = await runAdmin(["list"], commandLine(dataDir));
  lock.release();
  expect(answer).toEqual({
    isDone: false,
    lines: [expect.stringContaining("does not answer on control.sock")],
  });
});

test("runAdmin: words that are no command are told, and nothing is done", async () => {
  const { control, dataDir } = await startControl();
  await closeControl(control);
  for (const [words, message] of [
    [[], "One of list, reset-password"],
    [["dance"], "One of list, reset-password"],
    [["unlock"], "The name of a user is wanted"],
    [["unlock", "nobody"], "There is no such user"],
    [["unlock", "admin", "--tenant", "acme"], "There is no such user"],
    [["create-token", "admin", "--days", "x"], "days"],
    [["create-token", "admin", "--name", "a\nb"], "control character"],
    [["create-token", "admin", "--name", "x".repeat(65)], "1 to 64 characters"],
  ] as const) {
    const { isDone, lines } = await runAdmin(words, commandLine(dataDir));
    expect([words, isDone, lines.join()]).toEqual([words, false, expect.stringContaining(message)]);
  }
});

test("controlSocketPath: as long as the system takes it, and no longer", () => {
  const folder = (bytes: number) => `/${"d".repeat(bytes - "/control.sock".length - 1)}`;
  expect(controlSocketPath(folder(107))).toHaveLength(107);
  expect(controlSocketPath(folder(108))).toBeUndefined();
});
