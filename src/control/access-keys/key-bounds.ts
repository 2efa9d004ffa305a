import type { KeyEntry, KeyLimits } from "#kernel/protocol/identities.ts";

/** What bounds a key, whatever its user may do. */
export interface KeyBounds extends Pick<KeyEntry, "enabled" | "expiresAtMs"> {
  readonly policy: string | null;
  readonly limits: KeyLimits;
}

const limitNames = ["requestsPerSecond", "maxConnections", "bytesPerSecond"] as const;

/** Whether a key may do less after a change: nothing, under another policy, or for a shorter time. */
export function isLess(before: KeyBounds, { enabled, policy, expiresAtMs }: KeyBounds): boolean {
  const endsEarlier = endOf(expiresAtMs) < endOf(before.expiresAtMs);
  return (before.enabled && !enabled) || (policy !== null && policy !== before.policy) || endsEarlier;
}

/** Whether a change lets a key live longer or lifts one of its limits. */
export function isLonger(before: KeyBounds, { expiresAtMs, limits }: KeyBounds): boolean {
  const isLifted = limitNames.some((name) => (limits[name] ?? Infinity) > (before.limits[name] ?? Infinity));
  return isLifted || endOf(expiresAtMs) > endOf(before.expiresAtMs);
}

function endOf(expiresAtMs: number | null): number {
  return expiresAtMs ?? Infinity;
}
