import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DataEvent } from "#kernel/protocol/data-event.ts";
import { FakeClock } from "#testing/fake-clock.ts";
import { createLog } from "../observe/log.ts";
import { AuditSigner } from "./audit-signer.ts";
import type { ChainHead } from "./audit-store.ts";
import { DataEventFiles, verifyDataEventFiles } from "./data-event-files.ts";

const folders = new Set<string>();
afterEach(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
  folders.clear();
});

const dayMs = 86_400_000;
const event: DataEvent = {
  ...{ timeMs: Date.UTC(2026, 0, 2), tenantId: "acme", actor: { id: "AIDA", name: "ann", accessKeyId: "AKIA" } },
  ...{ action: "s3:PutObject", bucket: "photos", bucketId: "01JB", key: "ä/\u2028b", status: 200, code: undefined },
  ...{ requestId: "r", address: "127.0.0.1", agent: "test", bytesIn: 5, bytesOut: 0 },
};

function open() {
  const dataDir = mkdtempSync(join(tmpdir(), "maxiofs-data-events-"));
  folders.add(dataDir);
  const clock = new FakeClock(Date.UTC(2026, 0, 2, 12));
  const lines: string[] = [];
  const log = createLog({ level: "info", format: "json", clock, output: (line) => void lines.push(line) });
  const start = () => new DataEventFiles({ dataDir, clock, log });
  const path = (day: string) => join(dataDir, "audit", `data-events-${day}.jsonl`);
  return { dataDir, clock, lines, start, path, files: start() };
}

async function readAll(files: DataEventFiles, day: string, tenantId?: string) {
  const lines: string[] = [];
  for await (const line of files.read(day, tenantId)) lines.push(line);
  return lines.map((line) => JSON.parse(line).event);
}

test("DataEventFiles: a file per day, private, chained over days and restarts", async () => {
  const { dataDir, clock, start, path, files } = open();
  expect(await verifyDataEventFiles(dataDir)).toBeUndefined();
  expect(await files.append([event, { ...event, tenantId: "other", status: 403, code: "AccessDenied" }], 0)).toBe(true);
  clock.advance(dayMs);
  expect(await files.append([event], 0)).toBe(true);
  expect(await start().append([event], 0)).toBe(true);
  expect(await files.days()).toEqual(["2026-01-02", "2026-01-03"]);
  expect(statSync(path("2026-01-02")).mode & 0o777).toBe(0o600);
  expect(await readAll(files, "2026-01-02", "other")).toMatchObject([
    {
      seq: 2,
      outcome: "denied",
      code: "AccessDenied",
      resource: { kind: "object", arn: "arn:aws:s3:::photos/ä/\u2028b" },
    },
  ]);
  expect((await readAll(files, "2026-01-03")).map(({ seq }) => seq)).toEqual([3, 4]);
  expect(await readAll(files, "2026-01-04")).toEqual([]);
  expect(await verifyDataEventFiles(dataDir)).toEqual({ eventCount: 4, problem: undefined });
});

test("DataEventFiles: signed heads show a cut end, files taken out as a whole, and other events in their place", async () => {
  const { dataDir, clock, start, path, files } = open();
  const signer = new AuditSigner(new Uint8Array(32).fill(7));
  const keys = [signer];
  const markOf = ({ chain, seq, hash }: ChainHead) =>
    signer.signMark({ chain, kind: "head", seq, hash, timeMs: clock.nowMs() });
  expect(await files.head()).toBeUndefined();
  await files.append([event, event, event], 0);
  const head = await files.head();
  expect(head).toMatchObject({ chain: "data-events", seq: 3 });
  if (head === undefined) throw new Error("No head");
  const marks = [markOf(head)];
  const problemOf = async () => (await verifyDataEventFiles(dataDir, { marks, keys }))?.problem;
  expect(await problemOf()).toBeUndefined();
  expect(await start().head()).toEqual(head);
  const file = path("2026-01-02");
  const text = readFileSync(file, "utf8");
  writeFileSync(file, text.slice(0, text.indexOf("\n") + 1));
  expect((await verifyDataEventFiles(dataDir))?.problem).toBeUndefined();
  expect(await problemOf()).toContain("events up to 3 are missing");
  await start().append([event, { ...event, key: "other" }], 0);
  expect(await problemOf()).toContain("line 3: is not the event whose hash was signed");
  rmSync(file);
  expect(await problemOf()).toContain("events up to 3 are missing");
  const forged = { ...markOf(head), seq: 2 };
  expect((await verifyDataEventFiles(dataDir, { marks: [forged], keys }))?.problem).toContain("not genuine");
});

test("DataEventFiles: a line changed, taken out or cut off the end of a day is found", async () => {
  const { dataDir, clock, path, files } = open();
  await files.append([event, event, event], 0);
  clock.advance(dayMs);
  await files.append([event], 0);
  const file = path("2026-01-02");
  const text = readFileSync(file, "utf8");
  const [first = "", second = "", third = ""] = text.split("\n");
  const problemOf = async (changed: string) => {
    writeFileSync(file, changed);
    return (await verifyDataEventFiles(dataDir))?.problem;
  };
  expect(await problemOf(text.replace("ann", "bob"))).toContain("line 1: was changed");
  expect(await problemOf(`${first}\n${third}\n`)).toContain("line 2: does not follow");
  expect(await problemOf(`${second}\n${first}\n${third}\n`)).toContain("line 2: does not follow");
  expect(await problemOf(`${first}\n${second}\n`)).toContain("2026-01-03.jsonl, line 1: does not follow");
  expect(await problemOf(`${first}\n{"event"\n`)).toContain("line 2: is no event");
  expect(await problemOf(text)).toBeUndefined();
});

test("DataEventFiles: half a line that a crash left is cut off, also when it is the only one", async () => {
  const { dataDir, start, path, files } = open();
  await files.append([event], 0);
  const file = path("2026-01-02");
  const text = readFileSync(file, "utf8");
  writeFileSync(file, `${text}{"event":{"acti`);
  expect((await readAll(files, "2026-01-02")).map(({ seq }) => seq)).toEqual([1]);
  expect(await verifyDataEventFiles(dataDir)).toEqual({ eventCount: 1, problem: undefined });
  expect(await start().append([event], 0)).toBe(true);
  expect(await verifyDataEventFiles(dataDir)).toEqual({ eventCount: 2, problem: undefined });
  writeFileSync(file, `{"event":{"acti`);
  expect(await start().append([event], 0)).toBe(true);
  expect(await verifyDataEventFiles(dataDir)).toEqual({ eventCount: 1, problem: undefined });
});

test("DataEventFiles: what cannot be written is said once, and again when it can; lost events are an event", async () => {
  const { dataDir, lines, files } = open();
  writeFileSync(join(dataDir, "audit"), "in the way");
  expect(await files.append([event], 0)).toBe(false);
  expect(await files.append([event], 0)).toBe(false);
  rmSync(join(dataDir, "audit"));
  expect(await files.append([event], 7)).toBe(true);
  expect(lines.map((line) => JSON.parse(line).message)).toEqual([
    "Requests for objects cannot be recorded",
    "Requests for objects are recorded again",
    "Requests for objects are missing in the audit",
  ]);
  expect(await readAll(files, "2026-01-02")).toMatchObject([{ action: "audit:EventsLost", count: 7 }, { seq: 2 }]);
});

test("DataEventFiles: days before the retention go, the rest verifies", async () => {
  const { dataDir, clock, files } = open();
  for (let day = 0; day < 3; day++) {
    await files.append([event], 0);
    clock.advance(dayMs);
  }
  await files.dropOld(2);
  expect(await files.days()).toEqual(["2026-01-03", "2026-01-04"]);
  expect(await verifyDataEventFiles(dataDir)).toEqual({ eventCount: 2, problem: undefined });
  expect(readdirSync(dataDir)).toEqual(["audit"]);
});

test("DataEventFiles: a damaged end that is longer than what is looked at removes nothing", async () => {
  const { lines, start, path, files } = open();
  await files.append([event], 0);
  const damaged = readFileSync(path("2026-01-02"), "utf8") + "x".repeat(70_000);
  writeFileSync(path("2026-01-02"), damaged);
  expect(await start().append([event], 0)).toBe(false);
  expect(readFileSync(path("2026-01-02"), "utf8")).toBe(damaged);
  expect(lines.join("")).toContain("hold no whole line");
});
