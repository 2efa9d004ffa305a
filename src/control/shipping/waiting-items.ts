/** How much may wait. */
export interface WaitingLimits {
  readonly maxItems: number;
  /** Of UTF-16 code units. */
  readonly maxLength: number;
}

/** Items that wait for a receiver, first come first served, bounded by number and length. */
export class WaitingItems {
  readonly #limits: WaitingLimits;
  #items: string[] = [];
  #length = 0;

  constructor(limits: WaitingLimits) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#items.length;
  }

  /** @returns false when there is no room */
  add(item: string): boolean {
    const { maxItems, maxLength } = this.#limits;
    if (this.#items.length >= maxItems || this.#length + item.length > maxLength) return false;
    this.#items.push(item);
    this.#length += item.length;
    return true;
  }

  /** Whether there is as much as the limits allow at once. */
  fills({ maxItems, maxLength }: WaitingLimits): boolean {
    return this.#items.length >= maxItems || this.#length >= maxLength;
  }

  /** The first items within the limits, one at least when there is one; `maxLength` of UTF-16 code units. They stay. */
  first({ maxItems, maxLength }: WaitingLimits): readonly string[] {
    let count = 0;
    for (let length = 0; count < Math.min(maxItems, this.#items.length); count += 1) {
      length += this.#items[count]?.length ?? 0;
      if (length > maxLength && count > 0) break;
    }
    return this.#items.slice(0, count);
  }

  /** Removes the first items. */
  remove(count: number): void {
    for (const item of this.#items.splice(0, count)) this.#length -= item.length;
  }

  /** @returns how many were removed */
  clear(): number {
    const { count } = this;
    this.#items = [];
    this.#length = 0;
    return count;
  }
}
