import type { Exchange } from "./exchange.ts";
import type { LoadPlan, LoadWork } from "./load-plan.ts";
import { makeBodies, type ObjectBody } from "./object-body.ts";
import { RequestArena } from "./request-arena.ts";
import { bodyOf, SignedTargets } from "./signed-targets.ts";
import type { Workload } from "./workload.ts";

/** PUTs new keys in order; signs `batchCount` of them between the timed windows and checks every ETag. */
export class PutWorkload implements Workload {
  readonly #targets: SignedTargets;
  readonly #bodies: readonly ObjectBody[];
  readonly #arena = new RequestArena();
  readonly #batchCount: number;
  readonly #lastIndex: number;
  #batchIndex: number;
  #position = 0;

  constructor(plan: LoadPlan, work: Extract<LoadWork, { kind: "put" }>) {
    this.#targets = new SignedTargets(plan);
    this.#bodies = makeBodies(work.shape);
    this.#batchCount = work.batchCount;
    this.#batchIndex = work.firstIndex;
    this.#lastIndex = work.firstIndex + work.keyCount;
  }

  /** Signs the next batch behind the last key sent; keys signed and not sent are signed again. */
  prepare(): boolean {
    this.#batchIndex += this.#position;
    this.#position = 0;
    this.#arena.clear();
    const end = Math.min(this.#batchIndex + this.#batchCount, this.#lastIndex);
    for (let index = this.#batchIndex; index < end; index += 1) {
      this.#arena.append(this.#targets.put(index, bodyOf(this.#bodies, index)));
    }
    return end > this.#batchIndex;
  }

  next(exchange: Exchange): boolean {
    const position = this.#position;
    if (position >= this.#arena.count) return false;
    this.#position = position + 1;
    const body = bodyOf(this.#bodies, this.#batchIndex + position);
    exchange.reset("PutObject", this.#arena.bytes);
    exchange.headStart = this.#arena.startOf(position);
    exchange.headEnd = this.#arena.endOf(position);
    exchange.index = this.#batchIndex + position;
    exchange.upload = body;
    exchange.expectedEtag = body.etag;
    return true;
  }

  settle(): string {
    return "";
  }

  fail(): void {
    // The key is not tried again: the error is counted, and a second success would hide it.
  }
}
