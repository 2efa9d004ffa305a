import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { closeAudits, makeEvent, openAudit } from "#testing/opened-audit.ts";
import { identityMigration } from "../database/migrations/0001-identity.ts";
import { openControlDatabase } from "../database/open-control-database.ts";
import { exportJsonLines } from "./export-audit.ts";
import { verifyAudit } from "./verify-command.ts";

const folders: string[] = [];
afterEach(async () => {
  await closeAudits();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "maxiofs-verify-"));
  folders.push(folder);
  return folder;
}

async function run(dataDir: string, exportPath?: string): Promise<[code: number, output: string]> {
  const lines: string[] = [];
  const report = (line: string) => void lines.push(line);
  const code = await verifyAudit({ dataDir, report, ...(exportPath !== undefined && { exportPath }) });
  return [code, lines.join("\n")];
}

test("verifyAudit: nothing to verify is neither right nor wrong", async () => {
  const folder = makeFolder();
  expect(await run(folder)).toEqual([2, expect.stringContaining("no control.db")]);
  await (await openControlDatabase(folder, [identityMigration])).close();
  expect(await run(folder)).toEqual([2, expect.stringContaining("recorded no events")]);
  expect(run(folder, join(folder, "absent"))).rejects.toThrow();
});

test("verifyAudit: an export with the keys of the data folder, or with its own and their ids", async () => {
  const { folder, database, trail, signer, record } = await openAudit();
  await record(makeEvent());
  const source = { database, signer, keys: await trail.publicKeys(), chains: ["server"], filter: {}, time: "" };
  const path = join(makeFolder(), "audit.jsonl");
  writeFileSync(path, (await Array.fromAsync(exportJsonLines(source))).join(""));
  expect(await run(folder, path)).toEqual([0, expect.stringContaining(`Keys of the data folder: ${signer.keyId}`)]);
  expect(await run(makeFolder(), path)).toEqual([0, expect.stringContaining(`compare them`)]);
  const other = await openAudit();
  expect(await run(other.folder, path)).toEqual([1, expect.stringContaining("not genuine")]);
  for (const text of ["", "hello\n", `${"x".repeat(2 ** 22)}\n`]) {
    writeFileSync(path, text);
    expect((await run(folder, path))[0]).toBe(1);
  }
});
