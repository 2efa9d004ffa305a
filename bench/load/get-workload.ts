import type { Exchange } from "./exchange.ts";
import type { LoadPlan, LoadWork } from "./load-plan.ts";
import { makeBodies, type ObjectBody } from "./object-body.ts";
import { RandomIndex } from "./random-index.ts";
import { RequestArena } from "./request-arena.ts";
import { bodyOf, SignedTargets } from "./signed-targets.ts";
import type { Workload } from "./workload.ts";

/** At most this many different requests are signed; they are sent again and again. */
const signedLimit = 16_384;

/** GETs existing keys at random and compares every byte. */
export class GetWorkload implements Workload {
  readonly #bodies: readonly ObjectBody[];
  readonly #arena = new RequestArena();
  readonly #random = new RandomIndex(1);
  readonly #targets: SignedTargets;
  readonly #keyCount: number;

  constructor(plan: LoadPlan, work: Extract<LoadWork, { kind: "get" }>) {
    this.#targets = new SignedTargets(plan);
    this.#bodies = makeBodies(work.shape);
    this.#keyCount = Math.min(work.keyCount, signedLimit);
  }

  prepare(): boolean {
    if (this.#arena.count > 0) return true;
    for (let index = 0; index < this.#keyCount; index += 1) this.#arena.append(this.#targets.bare("GET", index));
    return true;
  }

  next(exchange: Exchange): boolean {
    const index = this.#random.below(this.#keyCount);
    exchange.reset("GetObject", this.#arena.bytes);
    exchange.headStart = this.#arena.startOf(index);
    exchange.headEnd = this.#arena.endOf(index);
    exchange.index = index;
    exchange.download = bodyOf(this.#bodies, index);
    return true;
  }

  settle(): string {
    return "";
  }

  fail(): void {
    // Nothing is kept per request.
  }
}
