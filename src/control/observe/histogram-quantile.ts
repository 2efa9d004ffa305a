import type { HistogramBuckets } from "#kernel/metrics/histogram-buckets.ts";

/**
 * The value that the part `rank` (0 to 1) of a histogram's values does not exceed, by linear interpolation within its bucket, as
 * Prometheus's `histogram_quantile` does; above the last bound, that bound. Undefined without values.
 */
export function histogramQuantile(buckets: HistogramBuckets, cells: Float64Array, rank: number): number | undefined {
  const count = countHistogram(buckets, cells);
  if (count === 0) return undefined;
  const wanted = rank * count;
  let below = 0;
  for (const [index, bound] of buckets.bounds.entries()) {
    const own = cells[index] ?? 0;
    if (below + own >= wanted && own > 0) {
      const lower = index === 0 ? 0 : (buckets.bounds[index - 1] ?? 0);
      return lower + ((bound - lower) * Math.max(0, wanted - below)) / own;
    }
    below += own;
  }
  return buckets.bounds.at(-1);
}

/** How many values a histogram has counted. */
export function countHistogram(buckets: HistogramBuckets, cells: Float64Array): number {
  let count = 0;
  for (let index = 0; index <= buckets.bounds.length; index++) count += cells[index] ?? 0;
  return count;
}
