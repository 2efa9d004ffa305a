import { expect, test } from "bun:test";
import { BodyBudget } from "./body-budget.ts";

test("BodyBudget: full to the last byte, and not one more", () => {
  const budget = new BodyBudget(10);
  budget.take(4);
  budget.take(6);
  expect(() => budget.take(1)).toThrow(expect.objectContaining({ code: "SlowDown", status: 503 }));
  expect(budget.usedBytes).toBe(10);
  budget.give(4);
  budget.take(3);
  expect(budget.usedBytes).toBe(9);
});
