import { WaitingItems, type WaitingLimits } from "./waiting-items.ts";

/** What became of a batch: `refused` when it will never be taken. What can be tried again is an Error. */
export type Delivery = "taken" | "refused";

/** The way to one receiver. */
export interface Transport {
  /** Delivers all items in their order. @throws Error when it should be tried again. The message may be logged. */
  send(items: readonly string[]): Promise<Delivery>;
  /** Ends connections and what is being sent; it then fails. */
  close(): void;
}

/** How often and how much is sent. */
export interface BatchLimits extends WaitingLimits {
  /** Items wait for others at most this long, ms. */
  readonly gatherMs: number;
}

/** Where items go, and how. */
export interface Route {
  readonly transport: Transport;
  readonly batch: BatchLimits;
}

/** What a shipper needs. */
export interface ShipperOptions {
  readonly waiting: WaitingLimits;
  readonly backoff?: Backoff;
  /** Told once when the receiver stops taking items, and once when it takes them again. */
  readonly onChange: (isTaking: boolean, reason: string) => void;
}

/** Pauses between attempts, ms: doubled from the least to the most. */
export interface Backoff {
  readonly minMs: number;
  readonly maxMs: number;
}

const defaultBackoff: Backoff = { minMs: 500, maxMs: 30_000 };

/**
 * Brings items to one receiver, in order, one batch at a time. Whoever gives an item never waits: while the receiver does not take
 * them, items wait up to a bound, and what comes on top is dropped and counted. A batch whose outcome is unknown is sent again.
 */
export class Shipper {
  readonly #options: ShipperOptions;
  readonly #waiting: WaitingItems;
  #route: Route | undefined;
  #running: Promise<void> | undefined;
  #wake: () => void = () => undefined;
  #isTaking = true;
  #isClosing = false;
  #dropCount = 0;

  constructor(options: ShipperOptions) {
    this.#options = options;
    this.#waiting = new WaitingItems(options.waiting);
  }

  /** Items that were not delivered and never will be. */
  get dropCount(): number {
    return this.#dropCount;
  }

  /** Whether items have somewhere to go. */
  get isActive(): boolean {
    return this.#route !== undefined && !this.#isClosing;
  }

  /** Sends what waits and what comes to another receiver, or nowhere: then what waits is dropped. */
  direct(route: Route | undefined): void {
    this.#route?.transport.close();
    this.#route = route;
    this.#isTaking = true;
    if (route === undefined) this.#dropCount += this.#waiting.clear();
    this.#wake();
  }

  /** Takes an item, when there is a receiver and room. Never waits. */
  take(item: string): void {
    if (this.#route === undefined || this.#isClosing) return;
    this.takeLost(this.#waiting.add(item) ? 0 : 1);
    if (this.#isTaking && this.#waiting.fills(this.#route.batch)) this.#wake();
    if (this.#waiting.count > 0) this.#running ??= this.#run();
  }

  /** Counts items that were lost on their way here. */
  takeLost(count: number): void {
    this.#dropCount += count;
  }

  /** Sends what waits, for so long at most, ms; then takes nothing any more. */
  async close(patienceMs: number): Promise<void> {
    this.#isClosing = true;
    this.#wake();
    const timer = setTimeout(() => this.direct(undefined), patienceMs);
    await this.#running;
    clearTimeout(timer);
    this.direct(undefined);
  }

  async #run(): Promise<void> {
    let pauseMs = 0;
    while (this.#route !== undefined && this.#waiting.count > 0) {
      const route = this.#route;
      await this.#pause(Math.max(pauseMs, this.#gatherMs(route)));
      if (route !== this.#route) {
        pauseMs = 0;
        continue;
      }
      pauseMs = (await this.#deliver(route)) ? 0 : this.#nextPauseMs(pauseMs);
    }
    // In the same turn as the last look: an item that comes next begins anew.
    this.#running = undefined;
  }

  /** A full batch leaves at once, and so does the last one. */
  #gatherMs({ batch }: Route): number {
    return this.#isClosing || this.#waiting.fills(batch) ? 0 : batch.gatherMs;
  }

  #nextPauseMs(pauseMs: number): number {
    const { minMs, maxMs } = this.#options.backoff ?? defaultBackoff;
    return Math.min(maxMs, Math.max(minMs, pauseMs * 2));
  }

  /** @returns false when it should be tried again after a pause */
  async #deliver(route: Route): Promise<boolean> {
    const items = this.#waiting.first(route.batch);
    let outcome: Delivery | Error;
    try {
      outcome = await route.transport.send(items);
    } catch (error) {
      outcome = error instanceof Error ? error : new Error(String(error));
    }
    // Another receiver took its place meanwhile, and gets the batch too; what was cleared is counted.
    if (route !== this.#route) return true;
    if (outcome instanceof Error) {
      this.#change(false, outcome.message);
      return false;
    }
    this.#waiting.remove(items.length);
    if (outcome === "refused") this.#dropCount += items.length;
    this.#change(outcome === "taken", outcome === "taken" ? "" : "It refused a batch for good");
    return true;
  }

  #change(isTaking: boolean, reason: string): void {
    if (isTaking === this.#isTaking) return;
    this.#isTaking = isTaking;
    this.#options.onChange(isTaking, reason);
  }

  /** Waits, or until something changed. */
  async #pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = () => undefined;
  }
}
