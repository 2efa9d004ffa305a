import type { KeptAnswer, KeptKind, KeptRecords } from "#kernel/protocol/diagnostics.ts";
import type { WorkerChannel } from "../snapshot/worker-channel.ts";

/** What asking needs. */
export interface WorkerQuestionsOptions {
  /** Those that are asked. */
  readonly workers: () => readonly WorkerChannel[];
  /** A worker that has not answered by then is not waited for, ms; 1,000 when absent. */
  readonly answerWithinMs?: number;
}

/** What the workers know of a request. */
export interface FoundRecords<R> {
  readonly records: readonly R[];
  /** False when a worker did not answer. */
  readonly isComplete: boolean;
}

interface Question {
  readonly silent: Set<WorkerChannel>;
  readonly answers: KeptAnswer[];
  readonly finish: () => void;
}

/** Asks all workers what they keep of a request: only the one that answered it knows, and nobody knows which that was. */
export class WorkerQuestions {
  readonly #options: WorkerQuestionsOptions;
  readonly #open = new Map<number, Question>();
  #nextId = 1;

  constructor(options: WorkerQuestionsOptions) {
    this.#options = options;
  }

  /** Resolves when all have answered, or after the bound. */
  async find<Kind extends KeptKind>(what: Kind, requestId: string): Promise<FoundRecords<KeptRecords[Kind]>> {
    const { workers, answerWithinMs = 1000 } = this.#options;
    const asked = workers();
    const id = this.#nextId++;
    const { promise, resolve } = Promise.withResolvers<void>();
    const question: Question = { silent: new Set(asked), answers: [], finish: resolve };
    this.#open.set(id, question);
    const timer = setTimeout(resolve, answerWithinMs);
    for (const worker of asked) worker.send({ kind: "find", id, what, requestId });
    if (asked.length > 0) await promise;
    clearTimeout(timer);
    this.#open.delete(id);
    const records = question.answers.flatMap((answer) => answer[what] ?? []);
    return { records, isComplete: question.silent.size === 0 };
  }

  /** The answer of a worker. */
  take(worker: WorkerChannel, id: number, answer: KeptAnswer): void {
    const question = this.#open.get(id);
    if (question === undefined || !question.silent.delete(worker)) return;
    question.answers.push(answer);
    if (question.silent.size === 0) question.finish();
  }
}
