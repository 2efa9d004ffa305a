import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lockDataFolder } from "./lock-data-folder.ts";

const base = mkdtempSync(join(tmpdir(), "maxiofs-lock-"));

afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
  rmSync(base, { recursive: true, force: true });
});

const program = `
  import { lockDataFolder } from ${JSON.stringify(join(import.meta.dir, "lock-data-folder.ts"))};
  try {
    lockDataFolder(process.argv[1], process.pid);
    console.log("locked");
    setInterval(() => {}, 1000);
  } catch (error) {
    console.log(error.message);
    process.exit(error.exitCode);
  }`;

const children: Bun.Subprocess[] = [];

function start(dataDir: string) {
  const child = Bun.spawn([process.execPath, "-e", program, dataDir], { stdout: "pipe", stderr: "ignore" });
  children.push(child);
  return child;
}

async function firstLine(child: ReturnType<typeof start>): Promise<string> {
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  reader.releaseLock();
  return new TextDecoder().decode(value).trim();
}

test("lockDataFolder: a second process is told the folder and the owner, and gets it after kill -9", async () => {
  const dataDir = join(base, "a", "b");
  const owner = start(dataDir);
  expect(await firstLine(owner)).toBe("locked");
  expect(statSync(dataDir).mode & 0o777).toBe(0o700);
  const second = start(dataDir);
  expect(await firstLine(second)).toBe(`The data folder ${dataDir} is in use by process ${owner.pid}`);
  expect(await second.exited).toBe(73);
  owner.kill("SIGKILL");
  await owner.exited;
  const third = start(dataDir);
  expect(await firstLine(third)).toBe("locked");
  third.kill("SIGKILL");
  await third.exited;
});

test("lockDataFolder: release gives the folder back", () => {
  const dataDir = join(base, "c");
  lockDataFolder(dataDir, 1).release();
  const lock = lockDataFolder(dataDir, 2);
  expect(() => lockDataFolder(dataDir, 3)).toThrow("process 2");
  lock.release();
});
