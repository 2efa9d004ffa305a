import { afterAll, beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { closeAudits, makeEvent, openAudit } from "#testing/opened-audit.ts";
import { chainHash, type StoredRecord } from "./audit-record.ts";
import { type AuditMark, type AuditPublicKey, AuditSigner } from "./audit-signer.ts";
import type { ChainHead } from "./audit-store.ts";
import { readChainState, streamChain } from "./read-audit.ts";
import { type ChainReport, ChainVerifier } from "./verify-chain.ts";

const eventCount = 20;
const signedSeqs = [8, 15];
const lastSigned = 15;
const chain = "server";
let events: StoredRecord[] = [];
let marks: readonly AuditMark[] = [];
let keys: readonly AuditPublicKey[] = [];
let head: ChainHead | undefined;

beforeAll(async () => {
  const { database, trail, record } = await openAudit();
  for (let seq = 1; seq <= eventCount; seq++) {
    await record(makeEvent({ requestId: `r${seq}`, change: { a: { before: seq, after: "é\u2028" } } }));
    if (signedSeqs.includes(seq)) await trail.signHeads();
  }
  events = await Array.fromAsync(streamChain(database, chain));
  ({ head, marks } = await readChainState(database, chain));
  keys = await trail.publicKeys();
});
afterAll(closeAudits);

function verify(
  records: readonly StoredRecord[],
  evidence: Partial<{ marks: readonly AuditMark[]; head: ChainHead }> = {},
) {
  const verifier = new ChainVerifier({ chain, marks: evidence.marks ?? marks, keys });
  for (const record of records) verifier.add(record);
  return verifier.finish("head" in evidence ? evidence.head : head);
}

const problemSeq = ({ problem }: ChainReport) => problem?.seq;
const anySeq = fc.integer({ min: 1, max: eventCount });
const at = (seq: number): StoredRecord => events[seq - 1] ?? events[0] ?? fail();
const fail = (): never => {
  throw new Error("There are no events");
};
const replaceAt = (seq: number, change: Partial<StoredRecord>) =>
  events.map((record) => (record.seq === seq ? { ...record, ...change } : record));

/** The chain with everything from `seq` on made anew after a change, hashes and all: what only a signature shows. */
function rewriteFrom(seq: number, body: (record: StoredRecord) => string): StoredRecord[] {
  const rewritten: StoredRecord[] = [];
  for (const record of events) {
    const prevHash = rewritten.at(-1)?.hash ?? record.prevHash;
    const text = record.seq === seq ? body(record) : record.body;
    rewritten.push({ ...record, body: text, prevHash, hash: chainHash(prevHash, text) });
  }
  return rewritten;
}

test("ChainVerifier: what was recorded is right, and signed up to the last head", () => {
  expect(verify(events)).toEqual({ chain, eventCount, lastSeq: eventCount, signedSeq: lastSigned });
});

test("ChainVerifier: any edit of any part of an event is found at that event", () => {
  fc.assert(
    fc.property(anySeq, fc.nat(), fc.constantFrom("body", "hash", "prevHash", "eventId"), (seq, place, part) => {
      const text = at(seq)[part];
      const index = place % text.length;
      const other = text[index] === "0" ? "1" : "0";
      const edited = `${text.slice(0, index)}${other}${text.slice(index + 1)}`;
      expect(problemSeq(verify(replaceAt(seq, { [part]: edited })))).toBe(seq);
    }),
    { numRuns: 500 },
  );
});

test("ChainVerifier: an edit with a new hash of its own is found at the event or the next one", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: eventCount - 1 }), (seq) => {
      const body = at(seq).body.replace(`"r${seq}"`, '"forged"');
      const forged = replaceAt(seq, { body, hash: chainHash(at(seq).prevHash, body) });
      expect(problemSeq(verify(forged))).toBe(signedSeqs.includes(seq) ? seq : seq + 1);
    }),
  );
});

test("ChainVerifier: any deletion is found at the first event that is missing", () => {
  fc.assert(
    fc.property(fc.uniqueArray(anySeq, { minLength: 1 }), (deleted) => {
      const left = events.filter(({ seq }) => !deleted.includes(seq));
      expect(problemSeq(verify(left))).toBe(Math.min(...deleted));
    }),
  );
});

test("ChainVerifier: any two events that changed places are found at the first of them", () => {
  fc.assert(
    fc.property(fc.uniqueArray(anySeq, { minLength: 2, maxLength: 2 }), ([one = 1, other = 2]) => {
      const swapped = events.map((record) => {
        if (record.seq === one) return { ...at(other), seq: one };
        return record.seq === other ? { ...at(one), seq: other } : record;
      });
      expect(problemSeq(verify(swapped))).toBe(Math.min(one, other));
    }),
  );
});

test("ChainVerifier: a cut tail is found, and below the last signed head whatever the database says about its end", () => {
  for (let last = 0; last < eventCount; last++) {
    const left = events.filter(({ seq }) => seq <= last);
    expect(problemSeq(verify(left))).toBe(last + 1);
    const forged = { chain, seq: last, hash: left.at(-1)?.hash ?? at(1).prevHash };
    expect(problemSeq(verify(left, { head: forged }))).toBe(last < lastSigned ? last + 1 : undefined);
  }
});

test("ChainVerifier: a chain made anew from an event on is found at the next signed head", () => {
  for (let seq = 1; seq <= eventCount; seq++) {
    const forged = rewriteFrom(seq, ({ body }) => body.replace(`"r${seq}"`, '"forged"'));
    const end = { chain, seq: eventCount, hash: forged.at(-1)?.hash ?? "" };
    expect(problemSeq(verify(forged, { head: end }))).toBe(signedSeqs.find((signed) => signed >= seq));
  }
});

test("ChainVerifier: marks of another key, chain, kind or place are not genuine", () => {
  const stranger = new AuditSigner(new Uint8Array(32).fill(9));
  const [mark] = marks;
  if (!mark) return fail();
  const { keyId: _, signature: __, ...unsigned } = mark;
  const forged: AuditMark[] = [
    stranger.signMark(unsigned),
    { ...stranger.signMark(unsigned), keyId: mark.keyId },
    ...[{ chain: "t1" }, { kind: "cut" as const }, { seq: 9 }, { hash: at(9).hash }, { timeMs: 1 }].map((change) => ({
      ...mark,
      ...change,
    })),
    { ...mark, signature: "" },
  ];
  for (const one of forged) expect(verify(events, { marks: [one] }).problem?.reason).toContain("not genuine");
});

test("ChainVerifier: an event that is no canonical JSON is found, even with the right hashes", () => {
  for (const body of ["", "[]", "null", "{", `${at(20).body} `, at(20).body.replace('"seq":20', '"seq":20,"seq":20')]) {
    const end = { chain, seq: 20, hash: chainHash(at(20).prevHash, body) };
    expect(problemSeq(verify(replaceAt(20, { body, hash: end.hash }), { head: end }))).toBe(20);
  }
});
