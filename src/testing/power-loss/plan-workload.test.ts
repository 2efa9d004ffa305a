import { expect, test } from "bun:test";
import { seededRandom } from "../acceptance/test-data.ts";
import { applyAction, emptyStore, isPossible } from "./action.ts";
import { planWorkload } from "./plan-workload.ts";

test("planWorkload: every action is possible, and there are all kinds", () => {
  const kinds = new Set<string>();
  for (let seed = 0; seed < 20; seed++) {
    let state = emptyStore;
    for (const action of planWorkload("c", seededRandom(seed), 100)) {
      expect(isPossible(state, action)).toBe(true);
      kinds.add(action.kind);
      state = applyAction(state, action);
    }
  }
  expect(kinds.size).toBe(9);
});

test("planWorkload: equal seeds give equal plans", () => {
  expect(planWorkload("c", seededRandom(7), 50)).toEqual(planWorkload("c", seededRandom(7), 50));
});
