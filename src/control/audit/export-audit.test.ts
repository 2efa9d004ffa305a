import { afterEach, expect, test } from "bun:test";
import { closeAudits, makeEvent, openAudit } from "#testing/opened-audit.ts";
import { AuditSigner } from "./audit-signer.ts";
import { canonicalJson } from "./canonical-json.ts";
import { type AuditExport, exportCsv, exportJsonLines, exportVersion, renderCell } from "./export-audit.ts";
import { verifyExport } from "./verify-export.ts";

afterEach(closeAudits);

async function openExport(change: Partial<AuditExport> = {}) {
  const { database, trail, signer, record } = await openAudit();
  for (const tenantId of [null, "t1", null, null, "t1"]) await record(makeEvent({ tenantId }));
  await trail.signHeads();
  const keys = await trail.publicKeys();
  const source = {
    database,
    signer,
    keys,
    chains: ["server", "t1"],
    filter: {},
    time: "2026-01-01T00:00:00Z",
    ...change,
  };
  const text = (await Array.fromAsync(exportJsonLines(source))).join("");
  return { source, keys, lines: text.trimEnd().split("\n") };
}

const verify = (lines: readonly string[], keys?: AuditExport["keys"]) => verifyExport(iterate(lines), keys);

async function* iterate(lines: readonly string[]): AsyncGenerator<string> {
  for (const line of lines) yield line;
}

test("exportJsonLines: verifies by itself, with the keys of the file and with given ones", async () => {
  const { lines, keys } = await openExport();
  expect(lines).toHaveLength(1 + 2 + 5 + 1);
  for (const trusted of [undefined, keys]) {
    expect(await verify(lines, trusted)).toEqual({
      chains: [
        { chain: "server", eventCount: 3, lastSeq: 3, signedSeq: 3 },
        { chain: "t1", eventCount: 2, lastSeq: 2, signedSeq: 2 },
      ],
      keyIds: keys.map(({ keyId }) => keyId),
    });
  }
});

test("verifyExport: a line that was changed, left out, repeated or moved is found, and its event named", async () => {
  const { lines } = await openExport();
  for (let index = 0; index < lines.length; index++) {
    const without = lines.toSpliced(index, 1);
    expect([index, (await verify(without)).problem]).toEqual([index, expect.any(String)]);
    const repeated = lines.toSpliced(index, 0, lines[index] ?? "");
    expect([index, (await verify(repeated)).problem]).toEqual([index, expect.any(String)]);
    const moved = [...without.slice(0, -1), lines[index] ?? "", ...without.slice(-1)];
    const isSame = moved.join() === lines.join();
    if (!isSame) expect([index, (await verify(moved)).problem]).toEqual([index, expect.any(String)]);
  }
  const at = lines.findIndex(
    (line) => line.includes('"seq":2') && line.includes('"chain":"server"') && line.includes("prevHash"),
  );
  const forged = lines.with(at, (lines[at] ?? "").replace("CreateUser", "DeleteUser"));
  const report = await verify(forged);
  expect(report.chains[0]?.problem).toMatchObject({ seq: 2, reason: expect.stringContaining("changed") });
  expect(report.problem).toContain("not genuine");
});

test("verifyExport: who signs anew with a key of his own is not believed where the keys are known", async () => {
  const { source, keys } = await openExport();
  const stranger = new AuditSigner(new Uint8Array(32).fill(3));
  const forged = await Array.fromAsync(exportJsonLines({ ...source, signer: stranger, keys: [stranger] }));
  const lines = forged.join("").trimEnd().split("\n");
  expect((await verify(lines, keys)).problem).toContain("not genuine");
  expect((await verify(lines)).keyIds).toEqual([stranger.keyId]);
});

test("verifyExport: of a filtered export each event and the whole are verified, gaps are none", async () => {
  const { source } = await openExport();
  const filter = { from: "2000-01-01T00:00:00Z", actorId: "AIDAROOT" };
  const lines = (await Array.fromAsync(exportJsonLines({ ...source, filter }))).join("").trimEnd().split("\n");
  expect((await verify(lines)).problem).toBeUndefined();
  const at = lines.findIndex((line) => line.includes("prevHash"));
  const forged = lines.with(at, (lines[at] ?? "").replace("CreateUser", "DeleteUser"));
  expect((await verify(forged)).problem).toContain("was changed");
});

test("verifyExport: what is no export is refused", async () => {
  const emptyHead = `{"kind":"auditExport","version":${exportVersion},"filter":{},"keys":[]}`;
  for (const lines of [
    [],
    ["{"],
    ["[]"],
    ["{}"],
    ['{"kind":"auditExport","version":2,"keys":[]}'],
    ["x".repeat(2 ** 21)],
    [`{"kind":"auditExport","version":${exportVersion},"filter":{},"keys":[null]}`],
    [emptyHead, '{"kind":"mark"}'],
    [emptyHead, '{"kind":"mark","mark":{"chain":"server","kind":"head","seq":"1"}}'],
  ]) {
    expect((await verify(lines)).problem).toEqual(expect.any(String));
  }
});

test("exportCsv: a line of names, one line for each event, nothing that a spreadsheet would run", async () => {
  const { database, trail, signer, record } = await openAudit();
  const evil = '=HYPERLINK("http://x"),\r\n-1';
  await record(makeEvent({ agent: evil, code: "+1", requestId: "@SUM(1)", change: { a: { before: 1 } } }));
  const keys = await trail.publicKeys();
  const source = { database, signer, keys, chains: ["server"], filter: {}, time: "" };
  const [names = "", row = "", ...rest] = await Array.fromAsync(exportCsv(source));
  expect(rest).toEqual([]);
  expect(names.split(",").slice(0, 4)).toEqual(["time", "chain", "seq", "id"]);
  expect(row).toContain(`"'=HYPERLINK(""http://x""),\r\n-1"`);
  for (const cell of [",'+1,", ",'@SUM(1),", '"{""a"":{""before"":1}}"']) expect(row).toContain(cell);
});

test.each([
  ["plain", "plain"],
  ["-1", "'-1"],
  ["\tx", "'\tx"],
  ["\rx", `"'\rx"`],
  ['a"b', '"a""b"'],
  ["a,b", '"a,b"'],
  [-1, "-1"],
  [true, "true"],
])("renderCell: %j is %j", (value, cell) => expect(renderCell(value)).toBe(cell));

test("canonicalJson: sorted names, no blanks, undefined left out, the same after reading it back", () => {
  const value = { b: [1, undefined, "é"], a: { d: null, c: undefined }, "\u{1f600}": 1, "\ufb00": 2 };
  const text = canonicalJson(value);
  expect(text).toBe('{"a":{"d":null},"b":[1,null,"é"],"\u{1f600}":1,"\ufb00":2}');
  expect(canonicalJson(JSON.parse(text))).toBe(text);
});
