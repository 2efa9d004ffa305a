import { expect, test } from "bun:test";
import { BodyBudget, maxWaitingBodies } from "./body-budget.ts";

const slowDown = expect.objectContaining({ code: "SlowDown", status: 503 });
const patientMs = 60_000;

/** Takes and notes when it has: `taken` lists what was taken, in order. */
function taker(budget: BodyBudget) {
  const taken: number[] = [];
  const refused: unknown[] = [];
  const take = (bytes: number) => {
    const waiting = budget.take(bytes);
    if (waiting === undefined) taken.push(bytes);
    waiting?.then(
      () => taken.push(bytes),
      (error: unknown) => refused.push(error),
    );
    return waiting;
  };
  return { taken, refused, take };
}

test("BodyBudget: full to the last byte without a wait, one more waits until there is room", async () => {
  const budget = new BodyBudget(10, patientMs);
  expect([budget.take(4), budget.take(6)]).toEqual([undefined, undefined]);
  const waiting = budget.take(1);
  expect([budget.usedBytes, budget.line]).toEqual([10, { waitingCount: 1, servedCount: 0 }]);
  budget.give(4);
  await waiting;
  expect([budget.usedBytes, budget.line]).toEqual([7, { waitingCount: 0, servedCount: 1 }]);
  expect(budget.take(3)).toBeUndefined();
});

test("BodyBudget: room goes to those who wait in the order they came, before those who come", async () => {
  const budget = new BodyBudget(10, patientMs);
  const { taken, take } = taker(budget);
  void take(10);
  const large = take(8);
  const small = take(2);
  budget.give(5);
  expect(take(1)).toBeInstanceOf(Promise);
  expect(taken).toEqual([10]);
  budget.give(5);
  await Promise.all([large, small]);
  expect(taken).toEqual([10, 8, 2]);
  budget.give(1);
  await Bun.sleep(0);
  expect(taken).toEqual([10, 8, 2, 1]);
  expect(budget.usedBytes).toBe(10);
});

test("BodyBudget: who waits too long is refused and takes nothing; the next gets the room it could not use", async () => {
  const budget = new BodyBudget(10, 30);
  const { taken, refused, take } = taker(budget);
  void take(5);
  await Promise.all([take(6)?.catch(() => {}), Bun.sleep(20).then(() => take(5))]);
  expect([taken, refused]).toEqual([[5, 5], [slowDown]]);
  expect([budget.usedBytes, budget.line]).toEqual([10, { waitingCount: 0, servedCount: 2 }]);
});

test("BodyBudget: more than it can ever hold is refused at once, and so is one more than may wait", async () => {
  const budget = new BodyBudget(10, 20);
  expect(() => budget.take(11)).toThrow(slowDown);
  expect(() => budget.requireRoom(11)).toThrow(slowDown);
  budget.requireRoom(10);
  void budget.take(10);
  expect(() => budget.requireRoom(1)).toThrow(slowDown);
  const waiting = Array.from({ length: maxWaitingBodies }, () => budget.take(1)?.catch(() => "refused"));
  expect(() => budget.take(1)).toThrow(slowDown);
  expect(new Set(await Promise.all(waiting))).toEqual(new Set(["refused"]));
  expect(budget.usedBytes).toBe(10);
});
