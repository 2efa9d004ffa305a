import type { Clock } from "./clock.ts";
import type { Random } from "./random.ts";

/** Crockford's base 32: no I, L, O, U. */
const digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const timeDigits = 10;
const randomDigits = 16;

/**
 * Makes ULIDs: 26 characters, 48 bits of milliseconds and 80 random bits, sorted by time of making even within one
 * millisecond and when the clock goes back.
 * Source: https://github.com/ulid/spec (monotonicity: the random part is counted up within a millisecond).
 */
export function createUlidMaker(clock: Clock, random: Random): () => string {
  let lastMs = -1;
  /** 16 values of 5 bits, most significant first. */
  let tail = new Uint8Array(randomDigits);
  return () => {
    const nowMs = clock.nowMs();
    if (nowMs > lastMs || !countUp(tail)) {
      lastMs = Math.max(nowMs, lastMs + 1);
      tail = random.bytes(randomDigits).map((byte) => byte & 31);
    }
    return renderTime(lastMs) + renderTail(tail);
  };
}

/** The least ULID of a millisecond: ids made before it are smaller. @param timeMs whole, 0 to 2^48 - 1 */
export function firstUlidAt(timeMs: number): string {
  return renderTime(timeMs) + "0".repeat(randomDigits);
}

/** Adds one; false when every digit was at its highest. */
function countUp(tail: Uint8Array): boolean {
  for (let index = tail.length - 1; index >= 0; index--) {
    const digit = tail[index] ?? 0;
    tail[index] = (digit + 1) & 31;
    if (digit < 31) return true;
  }
  return false;
}

function renderTime(timeMs: number): string {
  let text = "";
  for (let rest = timeMs; text.length < timeDigits; rest = Math.floor(rest / 32))
    text = digits.charAt(rest % 32) + text;
  return text;
}

function renderTail(tail: Uint8Array): string {
  let text = "";
  for (const digit of tail) text += digits.charAt(digit);
  return text;
}
