import { expect, test } from "bun:test";
import { absent, fingerprint, Ledger } from "./kill-loop-ledger.ts";

const [one, two] = [fingerprint(Buffer.from("one")), fingerprint(Buffer.from("two"))];

test("Ledger: an unanswered request leaves both states possible, an acknowledged one only its own", () => {
  const ledger = new Ledger();
  ledger.begin("k", one);
  expect(ledger.allowed("k")).toEqual([absent, one]);
  ledger.acknowledge("k", one);
  ledger.begin("k", two);
  expect(ledger.settle("k", two)).toBe("");
  expect(ledger.allowed("k")).toEqual([two]);
});

test("Ledger: a lost acknowledged write and a half visible one are told", () => {
  const ledger = new Ledger();
  ledger.acknowledge("k", one);
  expect(ledger.settle("k", absent)).toContain("instead of");
  ledger.begin("k", two);
  expect(ledger.settle("k", fingerprint(Buffer.from("tw")))).toContain("instead of");
});
