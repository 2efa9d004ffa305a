import { expect, test } from "bun:test";
import type { Usage } from "#kernel/protocol/quota.ts";
import { FakeClock } from "#testing/fake-clock.ts";
import { UsageLedger } from "./usage-ledger.ts";
import { createUsageTable, UsageTable } from "./usage-table.ts";

function open(stored: Record<string, Usage> = {}) {
  const table = new UsageTable(createUsageTable());
  const reads: string[] = [];
  const clock = new FakeClock();
  const read = (bucketId: string): Usage => {
    reads.push(bucketId);
    const usage = stored[bucketId];
    if (!usage) throw new Error("It cannot be read");
    return usage;
  };
  const ledger = new UsageLedger({ table, read, monotonicMs: () => clock.monotonicMs() });
  return { table, ledger, reads, stored, clock };
}

test("UsageLedger: a tenant's sum is that of its buckets; unopened ones are read once", () => {
  const { ledger, table, reads } = open({ a: { bytes: 5, objects: 1 }, b: { bytes: 7, objects: 2 } });
  for (const bucketId of ["a", "b"]) ledger.own(bucketId, "t");
  ledger.own("foreign", "other");
  expect(table.find("t")).toBeUndefined();
  ledger.note("c", { bytes: 1, objects: 1 });
  expect(ledger.ofOthers("t", "c")).toEqual({ bytes: 12, objects: 3 });
  expect(ledger.ofOthers("t", "c")).toEqual({ bytes: 12, objects: 3 });
  expect(reads).toEqual(["a", "b"]);
  expect(table.find("t")).toEqual({ bytes: 13, objects: 4 });
  ledger.note("a", { bytes: 50, objects: 0 });
  expect(ledger.ofOthers("t", "c")).toEqual({ bytes: 57, objects: 2 });
  expect(table.find("a")).toEqual({ bytes: 50, objects: 0 });
});

test("UsageLedger: a bucket that changes hands, or goes, takes what it holds along", () => {
  const { ledger, table } = open();
  for (const bucketId of ["a", "b"]) {
    ledger.own(bucketId, "t");
    ledger.note(bucketId, { bytes: 10, objects: 1 });
  }
  ledger.own("a", "u");
  expect([table.find("t"), table.find("u")]).toEqual([
    { bytes: 10, objects: 1 },
    { bytes: 10, objects: 1 },
  ]);
  ledger.forget("b");
  expect([table.find("b"), table.find("t"), table.find("u")?.bytes]).toEqual([undefined, undefined, 10]);
});

test("UsageLedger: a bucket that cannot be read counts nothing until it can, and no sum without it is published", () => {
  const { ledger, table, stored, reads, clock } = open();
  ledger.own("broken", "t");
  ledger.note("a", { bytes: 1, objects: 1 });
  expect(ledger.ofOthers("t", "a")).toEqual({ bytes: 0, objects: 0 });
  expect([ledger.find("broken"), table.find("t")]).toEqual([undefined, undefined]);
  stored["broken"] = { bytes: 3, objects: 1 };
  clock.advance(9_999);
  expect([ledger.ofOthers("t", "a").bytes, reads]).toEqual([0, ["broken"]]);
  clock.advance(1);
  expect(ledger.ofOthers("t", "a")).toEqual({ bytes: 3, objects: 1 });
  expect(table.find("t")).toEqual({ bytes: 4, objects: 2 });
});

test("UsageLedger.readSome: reads what is owned and not opened, so many at a time, once", () => {
  const stored = Object.fromEntries(["a", "b", "d"].map((bucketId) => [bucketId, { bytes: 1, objects: 1 }]));
  const { ledger, table, reads } = open(stored);
  for (const bucketId of ["a", "b", "broken", "d"]) ledger.own(bucketId, "t");
  ledger.note("d", { bytes: 9, objects: 9 });
  expect([ledger.readSome(3), reads.length]).toEqual([true, 3]);
  expect([ledger.readSome(3), reads]).toEqual([false, ["a", "b", "broken"]]);
  expect(ledger.readSome(3)).toBe(false);
  expect(reads).toEqual(["a", "b", "broken"]);
  expect(table.find("b")).toEqual({ bytes: 1, objects: 1 });
});
