/** What pairs of measurements say of a change. */
export interface PairedRatio {
  /** Median of change / base. */
  readonly median: number;
  /** Bounds that hold the true median with at least 95 % confidence. */
  readonly low: number;
  readonly high: number;
  readonly verdict: "slower" | "faster" | "no difference seen";
}

/** Fewer pairs have no interval of 95 %. */
export const minPairs = 6;
const doubt = 0.05;

/**
 * The median of ratios with its interval by the sign test: order statistics, so no assumption about the noise but that pairs
 * are independent and a pair's two halves are equally disturbed. Source: Conover, Practical Nonparametric Statistics, 3.2.
 * @param ratios change / base of each pair, rates: below 1 is slower
 * @throws RangeError for fewer than `minPairs`, and for what is no ratio of rates
 */
export function judgeRatios(ratios: readonly number[]): PairedRatio {
  const count = ratios.length;
  if (count < minPairs) throw new RangeError(`${count} pairs have no interval of 95 %; at least ${minPairs} do`);
  if (!ratios.every((ratio) => ratio > 0 && ratio < Number.POSITIVE_INFINITY)) {
    throw new RangeError("A window without an answer has no rate to compare");
  }
  const sorted = ratios.toSorted((a, b) => a - b);
  const rank = lowerRank(count);
  const at = (index: number) => sorted[index] ?? Number.NaN;
  const middle = Math.floor(count / 2);
  const median = count % 2 === 1 ? at(middle) : (at(middle - 1) + at(middle)) / 2;
  const [low, high] = [at(rank - 1), at(count - rank)];
  return { median, low, high, verdict: verdictOf(low, high) };
}

function verdictOf(low: number, high: number): PairedRatio["verdict"] {
  if (high < 1) return "slower";
  return low > 1 ? "faster" : "no difference seen";
}

/** Largest rank, from 1, whose two tails of the binomial distribution with p = 1/2 stay below `doubt`. */
function lowerRank(count: number): number {
  let probability = 0.5 ** count;
  let tail = probability;
  let rank = 0;
  while (2 * tail <= doubt) {
    rank += 1;
    probability *= (count - rank + 1) / rank;
    tail += probability;
  }
  return rank;
}
