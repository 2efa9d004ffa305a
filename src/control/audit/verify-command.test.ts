import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemRandom } from "#kernel/base/random.ts";
import { closeAudits, makeEvent, openAudit } from "#testing/opened-audit.ts";
import { identityMigration } from "../database/migrations/0001-identity.ts";
import { openControlDatabase } from "../database/open-control-database.ts";
import { AuditTrail } from "./audit-trail.ts";
import { DataEventFiles } from "./data-event-files.ts";
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

test("verifyAudit: the log's signed heads show what was cut or taken out together with its signatures", async () => {
  const { folder, database, trail, lines, record } = await openAudit();
  for (const tenantId of ["t1", "t2", "t3"]) {
    await record(makeEvent({ tenantId }));
    await record(makeEvent({ tenantId }));
  }
  await trail.signHeads();
  const log = join(makeFolder(), "server.log");
  writeFileSync(log, `${lines.join("\n")}\nnot JSON: Audit head signed\n`);
  expect(await run(folder, log)).toEqual([0, expect.stringContaining("3 signed heads")]);
  await database.run("DELETE FROM audit_marks", []);
  await database.run("DELETE FROM audit_events WHERE chain = $1 AND seq = 2", ["t1"]);
  const [first] = await database.all("SELECT hash FROM audit_events WHERE chain = $1 AND seq = 1", ["t1"]);
  await database.run("UPDATE audit_chains SET seq = 1, hash = $1 WHERE chain = $2", [String(first?.["hash"]), "t1"]);
  await database.run("DELETE FROM audit_events WHERE chain = $1", ["t2"]);
  await database.run("DELETE FROM audit_chains WHERE chain = $1", ["t2"]);
  expect((await run(folder))[0]).toBe(0);
  const [code, output] = await run(folder, log);
  expect([code, output]).toEqual([1, expect.stringContaining("wrong: chain t1, event 2")]);
  expect(output).toContain("wrong: chain t2, event 1");
  expect(output).toContain("Chain t3: 2 events up to 2 are right, signed up to 2");
  expect(await run(makeFolder(), log)).toEqual([2, expect.stringContaining("data folder")]);
  await database.run("DELETE FROM audit_chains WHERE chain = $1", ["t3"]);
  expect(await run(folder)).toEqual([
    1,
    expect.stringContaining("wrong: chain t3, event 3: The chain ends at 2, and should at 0"),
  ]);
  const forged = lines.map((line) => line.replace(/"hash":"../, '"hash":"00'));
  writeFileSync(log, forged.join("\n"));
  expect(await run(folder, log)).toEqual([1, expect.stringContaining("not genuine")]);
});

test("verifyAudit: the end of the requests for objects is signed with the other heads, and compared with log and data folder", async () => {
  const { folder, database, clock, log, lines, settings, signer } = await openAudit();
  const files = new DataEventFiles({ dataDir: folder, clock, log });
  const dataHead = () => files.head();
  const random = systemRandom;
  const trail = new AuditTrail({ database, signer, settings: () => settings, clock, random, log, dataHead });
  await database.transaction((queries) => trail.record(queries, makeEvent()));
  const event = {
    timeMs: clock.nowMs(),
    tenantId: "t",
    actor: null,
    action: "s3:GetObject",
    bucket: "b",
    bucketId: "1",
  };
  const request = {
    key: "k",
    status: 200,
    code: undefined,
    requestId: "r",
    address: "",
    agent: "",
    bytesIn: 0,
    bytesOut: 0,
  };
  await files.append(
    [
      { ...event, ...request },
      { ...event, ...request },
    ],
    0,
  );
  expect((await trail.signHeads()).map(({ chain, seq }) => [chain, seq])).toContainEqual(["data-events", 2]);
  expect(await trail.signHeads()).toEqual([]);
  const logPath = join(makeFolder(), "server.log");
  writeFileSync(logPath, lines.join(""));
  expect(await run(folder)).toEqual([0, expect.stringContaining("Requests for objects: 2 events are right")]);
  expect(await run(folder, logPath)).toEqual([0, expect.stringContaining("Requests for objects: 2 events are right")]);
  rmSync(join(folder, "audit"), { recursive: true });
  await database.run("DELETE FROM audit_marks WHERE chain = 'data-events'");
  expect((await run(folder))[0]).toBe(0);
  expect(await run(folder, logPath)).toEqual([1, expect.stringContaining("events up to 2 are missing")]);
});
