import type { Exchange } from "./exchange.ts";
import type { LoadPlan, LoadWork, OperationWeights } from "./load-plan.ts";
import { makeBodies, type ObjectBody } from "./object-body.ts";
import { RandomIndex } from "./random-index.ts";
import { RequestArena } from "./request-arena.ts";
import type { ResponseParser } from "./response-parser.ts";
import { bodyOf, SignedTargets } from "./signed-targets.ts";
import type { Workload } from "./workload.ts";

/** Heads per key in the arena, in this order. */
const getHead = 0;
const headHead = 1;
const putHead = 2;
const deleteHead = 3;
const headsPerKey = 4;
/** Below this many stored keys a PUT replaces any other operation. */
const liveFloor = 128;

/**
 * GET, HEAD, PUT and DELETE by weight over a fixed set of keys, all signed in advance. A key is never read while it is
 * being written or deleted, so every answer has exactly one right form.
 */
export class MixedWorkload implements Workload {
  readonly #targets: SignedTargets;
  readonly #bodies: readonly ObjectBody[];
  readonly #arena = new RequestArena();
  readonly #random = new RandomIndex(7);
  readonly #weights: OperationWeights;
  readonly #slotCount: number;
  /** The first `#liveCount` are the stored keys, in no order. */
  readonly #live: Uint32Array;
  /** The first `#freeCount` are keys that do not exist. */
  readonly #free: Uint32Array;
  readonly #readers: Uint16Array;
  #liveCount = 0;
  #freeCount = 0;

  constructor(plan: LoadPlan, work: Extract<LoadWork, { kind: "mixed" }>) {
    this.#targets = new SignedTargets(plan);
    this.#bodies = makeBodies(work.shape);
    this.#weights = work.weights;
    this.#slotCount = work.slotCount;
    this.#live = new Uint32Array(work.slotCount);
    this.#free = new Uint32Array(work.slotCount);
    this.#readers = new Uint16Array(work.slotCount);
    for (let index = 0; index < work.existingCount; index += 1) this.#addLive(index);
    for (let index = work.slotCount - 1; index >= work.existingCount; index -= 1) this.#addFree(index);
  }

  prepare(): boolean {
    if (this.#arena.count > 0) return true;
    for (let index = 0; index < this.#slotCount; index += 1) {
      this.#arena.append(this.#targets.bare("GET", index));
      this.#arena.append(this.#targets.bare("HEAD", index));
      this.#arena.append(this.#targets.put(index, bodyOf(this.#bodies, index)));
      this.#arena.append(this.#targets.bare("DELETE", index));
    }
    return true;
  }

  next(exchange: Exchange): boolean {
    const dice = this.#random.below(100);
    const { get, head, put } = this.#weights;
    if (this.#liveCount < liveFloor) this.#beginPut(exchange);
    else if (dice < get) this.#beginRead(exchange, getHead);
    else if (dice < get + head) this.#beginRead(exchange, headHead);
    else if (dice < get + head + put) this.#beginPut(exchange);
    else this.#beginDelete(exchange);
    return true;
  }

  settle(exchange: Exchange, response: ResponseParser): string {
    const { index, operation } = exchange;
    if (operation === "DeleteObject") {
      this.#addFree(index);
    } else if (operation === "PutObject") {
      this.#addLive(index);
    } else {
      this.#readers[index] = (this.#readers[index] ?? 1) - 1;
      const wanted = bodyOf(this.#bodies, index).sizeBytes;
      if (response.contentLength !== wanted) return `content-length ${response.contentLength}, wanted ${wanted}`;
    }
    return "";
  }

  /** A key whose write failed is in an unknown state: it leaves the game. */
  fail(exchange: Exchange): void {
    const { index, operation } = exchange;
    if (operation === "GetObject" || operation === "HeadObject") this.#readers[index] = (this.#readers[index] ?? 1) - 1;
  }

  #beginRead(exchange: Exchange, head: number): void {
    const index = this.#live[this.#random.below(this.#liveCount)] ?? 0;
    const body = bodyOf(this.#bodies, index);
    this.#readers[index] = (this.#readers[index] ?? 0) + 1;
    this.#point(exchange, index, head);
    exchange.operation = head === getHead ? "GetObject" : "HeadObject";
    if (head === getHead) exchange.download = body;
    exchange.expectedEtag = body.etag;
  }

  #beginPut(exchange: Exchange): void {
    let index = 0;
    if (this.#freeCount > 0) {
      this.#freeCount -= 1;
      index = this.#free[this.#freeCount] ?? 0;
    } else {
      index = this.#takeUnread();
    }
    this.#point(exchange, index, putHead);
    exchange.operation = "PutObject";
    exchange.upload = bodyOf(this.#bodies, index);
    exchange.expectedEtag = exchange.upload.etag;
  }

  #beginDelete(exchange: Exchange): void {
    this.#point(exchange, this.#takeUnread(), deleteHead);
    exchange.operation = "DeleteObject";
    exchange.expectedStatus = 204;
  }

  #point(exchange: Exchange, index: number, head: number): void {
    const position = index * headsPerKey + head;
    exchange.reset("GetObject", this.#arena.bytes);
    exchange.headStart = this.#arena.startOf(position);
    exchange.headEnd = this.#arena.endOf(position);
    exchange.index = index;
  }

  /** Takes a stored key that nobody reads out of the stored ones; there are more of them than connections. */
  #takeUnread(): number {
    let at = this.#random.below(this.#liveCount);
    while ((this.#readers[this.#live[at] ?? 0] ?? 0) > 0) at = (at + 1) % this.#liveCount;
    const index = this.#live[at] ?? 0;
    this.#liveCount -= 1;
    this.#live[at] = this.#live[this.#liveCount] ?? 0;
    return index;
  }

  #addLive(index: number): void {
    this.#live[this.#liveCount] = index;
    this.#liveCount += 1;
  }

  #addFree(index: number): void {
    this.#free[this.#freeCount] = index;
    this.#freeCount += 1;
  }
}
