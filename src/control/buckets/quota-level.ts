/** Percent of a quota whose use is told of, in order. */
const quotaLevels = [80, 90, 100] as const;
/** A level that was told of is told of again only after the use fell this many points below it. */
const rearmPoints = 5;

/**
 * The level that a use of a quota is at: 0, 80, 90 or 100 percent. It rises when the use comes to a level, and falls when it is 5
 * points below it, so that a use that goes up and down around a level is one rise.
 * @param bound null: unlimited
 * @param before the level it was at
 */
export function quotaLevel(used: number, bound: number | null, before: number): number {
  if (bound === null || used === 0) return 0;
  const isAt = (percent: number) => used * 100 >= bound * percent;
  const reached = quotaLevels.findLast(isAt) ?? 0;
  return Math.max(reached, quotaLevels.findLast((level) => level <= before && isAt(level - rearmPoints)) ?? 0);
}
