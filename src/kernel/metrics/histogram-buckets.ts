/**
 * Fixed logarithmic buckets. Every thread uses the same bounds, so that the control thread can add slots cell by cell.
 * A bucket holds the values that are greater than the bound before it and not greater than its own; the last one is open.
 */
export interface HistogramBuckets {
  /** Upper bounds, ascending, inclusive. A histogram has `bounds.length + 1` cells: the last counts what is above all. */
  readonly bounds: Float64Array;
  /** For `floor(log2(value)) + 1`, the first bucket that can hold the value. */
  readonly firstByOctave: Uint8Array;
}

function makeBuckets(bounds: readonly number[]): HistogramBuckets {
  const firstByOctave = new Uint8Array(33);
  for (let octave = 0; octave < firstByOctave.length; octave++) {
    const smallest = octave === 0 ? 0 : 2 ** (octave - 1);
    const first = bounds.findIndex((bound) => smallest <= bound);
    firstByOctave[octave] = first < 0 ? bounds.length : first;
  }
  return { bounds: Float64Array.from(bounds), firstByOctave };
}

const steps = [1, 1.5, 2, 3, 5, 7];

/** Latencies in microseconds: six per decade from 50 us to 70 s. 50, 100, 200, 500 and 1,000 ms, the limits of the alerts, are bounds. */
export const durationBuckets: HistogramBuckets = makeBuckets(
  [1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7].flatMap((decade) => steps.map((step) => step * decade)).filter((us) => us >= 50),
);

/** Sizes of requests and responses in bytes: 1,024 x 2^n for n = 0..9. */
export const sizeBuckets: HistogramBuckets = makeBuckets(Array.from({ length: 10 }, (_, n) => 1024 * 2 ** n));

/** Sizes of stored objects in bytes: 1,024 x 2^n for n = 0..19. */
export const objectSizeBuckets: HistogramBuckets = makeBuckets(Array.from({ length: 20 }, (_, n) => 1024 * 2 ** n));

/** Mutations in one commit of the catalog writer: powers of two to 4,096. */
export const batchBuckets: HistogramBuckets = makeBuckets(Array.from({ length: 13 }, (_, n) => 2 ** n));

/**
 * The cell that counts `value`: 0 to `bounds.length`. Costs one table look-up and at most a few comparisons.
 * Values below zero and NaN go to the first cell.
 */
export function bucketIndex(buckets: HistogramBuckets, value: number): number {
  if (!(value > 0)) return 0;
  const { bounds } = buckets;
  if (value > 4294967295) return value > (bounds[bounds.length - 1] ?? 0) ? bounds.length : bounds.length - 1;
  let index = buckets.firstByOctave[32 - Math.clz32(value)] ?? 0;
  while (index < bounds.length && value > (bounds[index] ?? 0)) index++;
  return index;
}
