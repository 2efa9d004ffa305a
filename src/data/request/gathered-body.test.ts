import { expect, test } from "bun:test";
import fc from "fast-check";
import { BodyBudget } from "./body-budget.ts";
import { GatheredBody } from "./gathered-body.ts";

/** A request's part that counts what is gathered. */
function counting(budget: BodyBudget) {
  return { gather: (bytes: number) => budget.take(bytes, "a") };
}

test("GatheredBody: any pieces come out as they went in, and what is held is at most twice that and the limit", () => {
  const limitBytes = 1_000;
  const pieces = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 30 });
  fc.assert(
    fc.property(pieces, (all) => {
      const budget = new BodyBudget(limitBytes, { share: 1 });
      const body = new GatheredBody(counting(budget), limitBytes);
      const kept: Uint8Array[] = [];
      for (const piece of all) {
        if (body.length + piece.length > limitBytes) continue;
        expect(body.append(piece)).toBeUndefined();
        kept.push(piece);
        expect(budget.usedBytes).toBeLessThanOrEqual(Math.min(limitBytes, 2 * body.length));
        expect(budget.usedBytes).toBeGreaterThanOrEqual(body.length);
      }
      expect(Buffer.from(body.bytes)).toEqual(Buffer.concat(kept));
    }),
  );
});

test("GatheredBody: a whole body in one piece takes its length; a long announcement takes nothing", () => {
  const budget = new BodyBudget(1_000, { share: 1 });
  const body = new GatheredBody(counting(budget), 500);
  expect(budget.usedBytes).toBe(0);
  void body.append(new Uint8Array(500));
  expect(budget.usedBytes).toBe(500);
});

test("GatheredBody: a piece that waits for room is added when there is some", async () => {
  const budget = new BodyBudget(10, { share: 1 });
  void budget.take(9, "a");
  const body = new GatheredBody(counting(budget), 4);
  const waiting = body.append(Uint8Array.of(1, 2, 3));
  expect([waiting instanceof Promise, body.length]).toEqual([true, 0]);
  budget.give(9, "a");
  await waiting;
  expect([...body.bytes]).toEqual([1, 2, 3]);
});
