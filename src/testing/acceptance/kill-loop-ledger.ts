import { createHash } from "node:crypto";

/** What a key may hold: a fingerprint of its bytes, or "absent". */
export type KeyState = string;

/** The state of a key that has no object. */
export const absent: KeyState = "absent";

/** Fingerprint of a body: its length and SHA-256. */
export function fingerprint(body: Uint8Array): KeyState {
  return `${body.length}:${createHash("sha256").update(body).digest("hex")}`;
}

/**
 * What the server promised. Each key has one writer, so that at any moment at most one request of a key has an unknown outcome:
 * the key must then hold the state before it or the state after it, whole.
 */
export class Ledger {
  readonly #allowed = new Map<string, readonly KeyState[]>();
  /** Requests that were acknowledged. */
  acknowledged = 0;

  /** All keys that were ever written. */
  keys(): string[] {
    return [...this.#allowed.keys()];
  }

  /** The states a key may have now, the acknowledged one first. */
  allowed(key: string): readonly KeyState[] {
    return this.#allowed.get(key) ?? [absent];
  }

  /** A request that would bring `key` to `next` is about to be sent: until its answer, both states are possible. */
  begin(key: string, next: KeyState): void {
    this.#allowed.set(key, [...new Set([...this.allowed(key), next])]);
  }

  /** The request was acknowledged. */
  acknowledge(key: string, state: KeyState): void {
    this.acknowledged++;
    this.#allowed.set(key, [state]);
  }

  /** What was read after a restart. @returns "" when it was possible, else what is wrong. */
  settle(key: string, seen: KeyState): string {
    const allowed = this.allowed(key);
    this.#allowed.set(key, [seen]);
    return allowed.includes(seen) ? "" : `${key} holds ${seen} instead of ${allowed.join(" or ")}`;
  }
}
