import { expect, test } from "bun:test";
import { FakeClock } from "#testing/fake-clock.ts";
import { createRateTable, RateTable } from "./rate-table.ts";

/** Workers on one table. */
function open(workerCount = 2) {
  const clock = new FakeClock();
  const table = createRateTable(workerCount);
  const makeWorker = (workerIndex: number) =>
    new RateTable({ table, workerIndex, workerCount, nowMs: () => clock.nowMs() });
  const workers = Array.from({ length: workerCount }, (_, index) => makeWorker(index));
  return { clock, workers, makeWorker, at: (index: number) => workers[index % workerCount] ?? makeWorker(index) };
}

function countTaken({ at }: ReturnType<typeof open>, id: string, [tries, perSecond]: [number, number]): number {
  let taken = 0;
  for (let n = 0; n < tries; n++) if (at(n).take(id, "requests", perSecond) === 0) taken += 1;
  return taken;
}

test("RateTable.take: a second's worth at once, over all workers together; then as time goes", () => {
  const rig = open();
  expect(countTaken(rig, "tenant", [50, 10])).toBe(10);
  rig.clock.advance(300);
  expect(countTaken(rig, "tenant", [50, 10])).toBe(3);
  rig.clock.advance(3_600_000);
  expect(countTaken(rig, "tenant", [50, 10])).toBe(10);
  expect(countTaken(rig, "other", [50, 2])).toBe(2);
});

test("RateTable.take: what is refused says when to come back, and costs nothing", () => {
  const rig = open();
  expect(countTaken(rig, "t", [4, 4])).toBe(4);
  expect(rig.at(0).take("t", "requests", 4)).toBe(250);
  for (let n = 0; n < 100; n++) rig.at(n).take("t", "requests", 4);
  expect(rig.at(1).take("t", "requests", 4)).toBe(250);
  rig.clock.advance(249);
  expect(rig.at(0).take("t", "requests", 4)).toBe(1);
  rig.clock.advance(1);
  expect(rig.at(0).take("t", "requests", 4)).toBe(0);
});

test("RateTable.take: one per second lets one through, 0 none", () => {
  const rig = open();
  expect([countTaken(rig, "one", [5, 1]), countTaken(rig, "none", [5, 0])]).toEqual([1, 0]);
  expect(rig.at(0).take("none", "requests", 0)).toBe(1_000);
});

test("RateTable.charge: who waits as told moves no more than the rate and one second's worth, however many there are", () => {
  const rig = open();
  const perSecond = 1_000_000;
  const pieceBytes = 65_536;
  const untilMs = rig.clock.nowMs() + 20_000;
  const startMs = rig.clock.nowMs();
  const transfers = Array.from({ length: 7 }, (_, index) => ({ index, nextMs: startMs, bytes: 0 }));
  for (;;) {
    const [next] = transfers.toSorted((a, b) => a.nextMs - b.nextMs);
    if (!next || next.nextMs >= untilMs) break;
    rig.clock.advance(Math.max(0, next.nextMs - rig.clock.nowMs()));
    const amount = pieceBytes;
    const waitMs = rig.at(next.index).charge("t", "bytes", { amount, perSecond });
    next.bytes += amount;
    next.nextMs = rig.clock.nowMs() + waitMs;
  }
  const total = transfers.reduce((sum, { bytes }) => sum + bytes, 0);
  expect(total).toBeLessThanOrEqual(20 * perSecond + perSecond + transfers.length * pieceBytes);
  expect(total).toBeGreaterThanOrEqual(20 * perSecond);
  for (const { bytes } of transfers) expect(bytes).toBeGreaterThan(total / 14);
});

test("RateTable.connect: no more than the bound over all workers; what is taken back can be had again", () => {
  const { at, makeWorker } = open();
  const held = [at(0).connect("k", 3), at(1).connect("k", 3), at(1).connect("k", 3)];
  expect(held.every((release) => release !== undefined)).toBe(true);
  expect([at(0).connect("k", 3), at(1).connect("k", 3)]).toEqual([undefined, undefined]);
  held[0]?.();
  expect(at(1).connect("k", 3)).toBeFunction();
  expect(at(0).connect("k", 3)).toBeUndefined();
  // Worker 1 dies with three of them, and comes back.
  makeWorker(1).clearConnections();
  expect([0, 1, 0].map((index) => at(index).connect("k", 3) !== undefined)).toEqual([true, true, true]);
  expect(at(0).connect("k", 3)).toBeUndefined();
  expect(at(0).connect("none", 0)).toBeUndefined();
});

test("RateTable: slots of ids that hold nothing any more are used again, held ones are not", () => {
  const rig = open();
  const held = rig.at(0).connect("held", 1);
  expect(countTaken(rig, "spent", [3, 3])).toBe(3);
  for (let n = 0; n < 1_000; n++) expect(rig.at(n).take(`busy-${n}`, "requests", 1)).toBe(0);
  expect([rig.at(1).connect("held", 1), countTaken(rig, "spent", [5, 3])]).toEqual([undefined, 0]);
  // More than there is room for: nobody is refused, somebody is forgiven.
  for (let n = 0; n < 20_000; n++) expect(rig.at(n).take(`more-${n}`, "requests", 1)).toBe(0);
  for (let round = 0; round < 10; round++) {
    rig.clock.advance(2_000);
    for (let n = 0; n < 2_000; n++) expect(rig.at(n).take(`round-${round}-${n}`, "requests", 1)).toBe(0);
  }
  expect(rig.at(1).connect("held", 1)).toBeUndefined();
  held?.();
  expect(rig.at(1).connect("held", 1)).toBeFunction();
});

test("RateTable: a clock that is set back far costs nobody a day", () => {
  const rig = open();
  countTaken(rig, "t", [5, 5]);
  rig.clock.advance(-90_000_000);
  expect(countTaken(rig, "t", [50, 5])).toBe(5);
});
