import { expect, test } from "bun:test";
import { BodyBudget, maxWaitingBodies } from "./body-budget.ts";

const slowDown = expect.objectContaining({ code: "SlowDown", status: 503 });
const patient = { waitMs: 60_000, share: 1 };

/** Takes and notes when it has: `taken` lists what was taken, in order. */
function taker(budget: BodyBudget) {
  const taken: number[] = [];
  const refused: unknown[] = [];
  const take = (bytes: number) => {
    const waiting = budget.take(bytes, "a");
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
  const budget = new BodyBudget(10, patient);
  expect([budget.take(4, "a"), budget.take(6, "a")]).toEqual([undefined, undefined]);
  const waiting = budget.take(1, "a");
  expect([budget.usedBytes, budget.line]).toEqual([10, { waitingCount: 1, servedCount: 0 }]);
  budget.give(4, "a");
  await waiting;
  expect([budget.usedBytes, budget.line]).toEqual([7, { waitingCount: 0, servedCount: 1 }]);
  expect(budget.take(3, "a")).toBeUndefined();
});

test("BodyBudget: room goes to those who wait in the order they came, before those who come", async () => {
  const budget = new BodyBudget(10, patient);
  const { taken, take } = taker(budget);
  void take(10);
  const large = take(8);
  const small = take(2);
  budget.give(5, "a");
  expect(take(1)).toBeInstanceOf(Promise);
  expect(taken).toEqual([10]);
  budget.give(5, "a");
  await Promise.all([large, small]);
  expect(taken).toEqual([10, 8, 2]);
  budget.give(1, "a");
  await Bun.sleep(0);
  expect(taken).toEqual([10, 8, 2, 1]);
  expect(budget.usedBytes).toBe(10);
});

test("BodyBudget: who waits too long is refused and takes nothing; the next gets the room it could not use", async () => {
  const budget = new BodyBudget(10, { waitMs: 30, share: 1 });
  const { taken, refused, take } = taker(budget);
  void take(5);
  await Promise.all([take(6)?.catch(() => {}), Bun.sleep(20).then(() => take(5))]);
  expect([taken, refused]).toEqual([[5, 5], [slowDown]]);
  expect([budget.usedBytes, budget.line]).toEqual([10, { waitingCount: 0, servedCount: 2 }]);
});

test("BodyBudget: more than it can ever hold is refused at once, and so is one more than may wait", async () => {
  const budget = new BodyBudget(10, { waitMs: 20, share: 1 });
  expect(() => budget.take(11, "a")).toThrow(slowDown);
  expect(() => budget.requireRoom(11, "a")).toThrow(slowDown);
  budget.requireRoom(10, "a");
  void budget.take(10, "a");
  expect(() => budget.requireRoom(1, "a")).toThrow(slowDown);
  const waiting = Array.from({ length: maxWaitingBodies }, () => budget.take(1, "a")?.catch(() => "refused"));
  expect(() => budget.take(1, "a")).toThrow(slowDown);
  expect(new Set(await Promise.all(waiting))).toEqual(new Set(["refused"]));
  expect(budget.usedBytes).toBe(10);
});

test("BodyBudget: one holder gets his share and not a byte more; others find the rest of the room without a wait", async () => {
  const budget = new BodyBudget(16, { waitMs: 60_000, share: 3 / 4 });
  expect(budget.take(12, "a")).toBeUndefined();
  expect(() => budget.take(13, "b")).toThrow(slowDown);
  expect(() => budget.requireRoom(1, "a")).toThrow(slowDown);
  const waiting = budget.take(1, "a");
  expect(waiting).toBeInstanceOf(Promise);
  expect(budget.take(3, "b")).toBeUndefined();
  budget.requireRoom(1, "b");
  budget.give(3, "b");
  expect(budget.line.waitingCount).toBe(1);
  budget.give(12, "a");
  await waiting;
  expect(budget.usedBytes).toBe(1);
});

test("BodyBudget: who waits for his own share keeps his order and keeps no other waiting, in the line neither", async () => {
  const budget = new BodyBudget(16, { waitMs: 60_000, share: 3 / 4 });
  const served: string[] = [];
  const ask = (bytes: number, holder: string) =>
    budget.take(bytes, holder)?.then(() => void served.push(`${holder}${bytes}`));
  void ask(12, "a");
  const own = [ask(5, "a"), ask(1, "a")];
  void ask(4, "b");
  const other = ask(2, "b");
  budget.give(4, "b");
  await other;
  expect(served).toEqual(["b2"]);
  budget.give(12, "a");
  await Promise.all(own);
  expect(served).toEqual(["b2", "a5", "a1"]);
});

test("BodyBudget: of the places in line a holder gets his share too", () => {
  const budget = new BodyBudget(16, { waitMs: 20, share: 3 / 4 });
  void budget.take(12, "a");
  void budget.take(4, "b");
  for (let count = 0; count < maxWaitingBodies * 0.75; count++) budget.take(1, "a")?.catch(() => {});
  expect(() => budget.take(1, "a")).toThrow(slowDown);
  expect(budget.take(1, "b")?.catch(() => {})).toBeInstanceOf(Promise);
});
