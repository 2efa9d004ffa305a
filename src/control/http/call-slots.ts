import { clientNetwork } from "#kernel/policy/client-network.ts";

/** Calls that run at the same time; each may hold a body of 1 MiB. */
export const maxCalls = 512;
/** Those of one address, or one /64 of IPv6. */
export const maxCallsOfAddress = 128;

/**
 * Bounds the calls that run at the same time, in all and from one address, so that nobody fills the control thread's memory with bodies
 * that never end. Streams count until they begin.
 */
export class CallSlots {
  readonly #counts = new Map<string, number>();
  #count = 0;

  /** @returns what gives the place back, once; undefined when there is none */
  take(address: string): (() => void) | undefined {
    const group = clientNetwork(address);
    const ofAddress = this.#counts.get(group) ?? 0;
    if (this.#count >= maxCalls || ofAddress >= maxCallsOfAddress) return undefined;
    this.#count++;
    this.#counts.set(group, ofAddress + 1);
    return () => this.#release(group);
  }

  #release(group: string): void {
    this.#count--;
    const left = (this.#counts.get(group) ?? 0) - 1;
    if (left > 0) this.#counts.set(group, left);
    else this.#counts.delete(group);
  }
}
