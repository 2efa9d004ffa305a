import { expect, test } from "bun:test";
import { judgeRatios, minPairs } from "./paired-ratio.ts";

test("judgeRatios: the interval is that of the sign test", () => {
  // Ranks 3 and 10 of 12: 2 * (1 + 12 + 66) / 4096 = 3.9 %; ranks 1 and 6 of 6: 3.1 %.
  const twelve = Array.from({ length: 12 }, (_, index) => (90 + index) / 100);
  expect(judgeRatios(twelve)).toMatchObject({ low: 0.92, high: 0.99, verdict: "slower" });
  expect(judgeRatios(twelve).median).toBeCloseTo(0.955, 9);
  const six = [1.06, 1.01, 1.05, 1.02, 1.04, 1.03];
  expect(judgeRatios(six)).toMatchObject({ low: 1.01, high: 1.06, verdict: "faster" });
  expect(judgeRatios([0.98, 0.99, 1, 1.01, 1.02].concat(1.03, 0.97)).verdict).toBe("no difference seen");
});

test("judgeRatios: both sides of the bound: 10 of 12 pairs below 1 are slower, 9 are not", () => {
  const ratios = (below: number) => Array.from({ length: 12 }, (_, index) => (index < below ? 0.97 : 1.01));
  expect(judgeRatios(ratios(10)).verdict).toBe("slower");
  expect(judgeRatios(ratios(9)).verdict).toBe("no difference seen");
});

test("judgeRatios: five pairs are too few, six are enough", () => {
  const ratios = Array.from({ length: minPairs }, () => 1);
  expect(() => judgeRatios(ratios.slice(1))).toThrow(RangeError);
  expect(judgeRatios(ratios).median).toBe(1);
  for (const bad of [Number.NaN, 0, Number.POSITIVE_INFINITY]) {
    expect(() => judgeRatios([...ratios, bad])).toThrow("no rate");
  }
});

test("judgeRatios: noise alone is called a change in about one of twenty comparisons", () => {
  let state = 1;
  const random = () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
  let wrong = 0;
  for (let trial = 0; trial < 2000; trial += 1) {
    const ratios = Array.from({ length: 12 }, () => (0.7 + 0.6 * random()) / (0.7 + 0.6 * random()));
    if (judgeRatios(ratios).verdict !== "no difference seen") wrong += 1;
  }
  expect(wrong / 2000).toBeLessThan(0.06);
  expect(wrong).toBeGreaterThan(0);
});
