import type { MessagePort } from "node:worker_threads";
import type {
  Mutation,
  MutationResult,
  MutationSuccess,
  WriterAnswer,
  WriterBatch,
} from "#kernel/protocol/mutation.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import { renderTraceparent } from "#kernel/trace/traceparent.ts";
import type { BeginPart } from "../trace/tracer.ts";

/**
 * Mutations that leave at once, without waiting for the end of the turn: the writer commits while the worker still parses.
 * Without it all connections march in step, and either the workers or the writer wait. While nothing is in flight the
 * first one leaves at once too: a lone request waits for nobody.
 */
const flushAt = 8;

interface Waiting {
  readonly mutation: Mutation;
  readonly body: Uint8Array | undefined;
  readonly settle: (result: MutationResult) => void;
}

/**
 * A worker's end of the line to the catalog writer. Mutations of one turn of the event loop travel together; each is
 * answered after its commit is on disk.
 */
export class WriterClient {
  #port: MessagePort | undefined;
  #pending: Waiting[] = [];
  #inFlight = new Map<number, Waiting[]>();
  #nextBatchId = 1;
  #scheduled = false;
  readonly #beginPart: BeginPart;

  /** @param beginPart traces commits; absent: nothing is traced */
  constructor(beginPart: BeginPart = () => undefined) {
    this.#beginPart = beginPart;
  }

  /** Uses a new port; what was in flight on the old one has an unknown outcome and is answered with an error. */
  attach(port: MessagePort): void {
    this.#port?.close();
    this.#port = port;
    const lost = this.#inFlight;
    this.#inFlight = new Map();
    for (const batch of lost.values()) for (const each of batch) each.settle(unknownOutcome);
    port.on("message", (answer: WriterAnswer) => this.#receive(answer));
  }

  /**
   * Commits one mutation.
   * @param body inline ciphertext of a put; its slice is filled in here
   * @throws S3Error as the writer refused it; ServiceUnavailable when the writer died meanwhile
   */
  commit(mutation: Mutation, body?: Uint8Array): Promise<MutationSuccess> {
    const part = this.#beginPart(mutation.requestId, "CommitMutation");
    if (part === undefined) return this.#commit(mutation, body);
    const commit = this.#commit({ ...mutation, trace: renderTraceparent(part) }, body);
    commit.then(
      () => part.end(false),
      (error: unknown) => part.end(!(error instanceof S3Error) || error.status >= 500),
    );
    return commit;
  }

  #commit(mutation: Mutation, body: Uint8Array | undefined): Promise<MutationSuccess> {
    return new Promise((resolve, reject) => {
      const settle = (result: MutationResult) => {
        if (result.ok) resolve(result);
        else reject(toError(result));
      };
      this.#pending.push({ mutation, body, settle });
      if (this.#inFlight.size === 0 || this.#pending.length >= flushAt) this.#flush();
      if (this.#scheduled || this.#pending.length === 0) return;
      this.#scheduled = true;
      setImmediate(() => {
        this.#scheduled = false;
        this.#flush();
      });
    });
  }

  /** Mutations sent and not yet answered. */
  get inFlight(): number {
    let count = this.#pending.length;
    for (const batch of this.#inFlight.values()) count += batch.length;
    return count;
  }

  #flush(): void {
    const batch = this.#pending;
    if (batch.length === 0 || !this.#port) return;
    this.#pending = [];
    const id = this.#nextBatchId++;
    this.#inFlight.set(id, batch);
    const message = packBatch(id, batch);
    this.#port.postMessage(message, [message.bytes]);
  }

  #receive(answer: WriterAnswer): void {
    const batch = this.#inFlight.get(answer.id);
    if (!batch) return;
    this.#inFlight.delete(answer.id);
    const results = JSON.parse(answer.results) as MutationResult[];
    for (const [index, each] of batch.entries()) each.settle(results[index] ?? unknownOutcome);
  }
}

const unknownOutcome: MutationResult = {
  ok: false,
  code: "ServiceUnavailable",
  message: "The catalog writer was restarted; the outcome is unknown",
};

function toError(result: Extract<MutationResult, { ok: false }>): S3Error {
  const { code, message, fields } = result;
  return new S3Error(code, {
    ...(message === undefined ? {} : { message }),
    ...(fields === undefined ? {} : { fields }),
  });
}

function packBatch(id: number, batch: readonly Waiting[]): WriterBatch {
  let total = 0;
  for (const { body } of batch) total += body?.length ?? 0;
  const bytes = new Uint8Array(new ArrayBuffer(total));
  const mutations: Mutation[] = [];
  let offset = 0;
  for (const { mutation, body } of batch) {
    if (!body || mutation.kind !== "put") {
      mutations.push(mutation);
      continue;
    }
    bytes.set(body, offset);
    mutations.push({ ...mutation, bytes: { kind: "inline", slice: [offset, body.length] } });
    offset += body.length;
  }
  return { id, mutations: JSON.stringify(mutations), bytes: bytes.buffer };
}
