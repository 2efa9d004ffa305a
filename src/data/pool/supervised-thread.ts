import { type MessagePort, Worker } from "node:worker_threads";
import { RestartBackoff } from "./restart-backoff.ts";

/** How a log line leaves the pool. `fields` hold no secret. */
export type PoolLog = (
  level: "debug" | "info" | "warn" | "error",
  message: string,
  fields: Readonly<Record<string, string | number | boolean>>,
) => void;

/** One life of a thread, from its start to its end. `In` is what it is sent, `Out` what it says. */
export class ThreadLife<In, Out> {
  /** The thread's name, the same in every life. */
  readonly name: string;
  readonly #worker: Worker;
  /** Resolves with the reason when it runs no more. */
  readonly ended: Promise<string>;
  #isOver = false;

  /** Starts the thread; nothing of it runs before the caller returns to the event loop. */
  constructor(name: string, url: URL, onMessage: (message: Out) => void) {
    this.name = name;
    this.#worker = new Worker(url, { name });
    this.#worker.on("message", onMessage);
    let reason = "";
    this.#worker.on("error", (error: unknown) => {
      reason ||= error instanceof Error ? (error.stack ?? error.message) : String(error);
    });
    this.ended = new Promise((resolve) => {
      this.#worker.once("exit", (code: number) => {
        this.#isOver = true;
        resolve(reason || `exit code ${code}`);
      });
    });
  }

  /** Delivers in order, `ports` with it; does nothing when the life is over. */
  send(message: In, ports: readonly MessagePort[] = []): void {
    if (!this.#isOver) this.#worker.postMessage(message, [...ports]);
  }

  /** Ends it now, whatever it does. Resolves when it runs no more. */
  async end(): Promise<void> {
    if (this.#isOver) return;
    await this.#worker.terminate();
    await this.ended;
  }
}

/** What a thread under supervision is made of. */
export interface SupervisedThreadOptions<In, Out> {
  /** For logs: `worker 0`, `writer`. */
  readonly name: string;
  readonly url: URL;
  readonly log: PoolLog;
  readonly monotonicMs: () => number;
  /** Called at each start, before anything else reaches the thread: sends the first message. */
  readonly onStart: (life: ThreadLife<In, Out>) => void;
  readonly onMessage: (life: ThreadLife<In, Out>, message: Out) => void;
  /** Called when a life ended, before the next one starts. */
  readonly onEnd: (life: ThreadLife<In, Out>) => void;
}

/** A thread that is started again whenever it ends, after a pause that grows while it keeps failing. */
export class SupervisedThread<In, Out> {
  readonly #options: SupervisedThreadOptions<In, Out>;
  readonly #backoff = new RestartBackoff();
  #life: ThreadLife<In, Out> | undefined;
  #isUp = false;
  #isStopping = false;
  #restartCount = 0;
  #startedAtMs = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: SupervisedThreadOptions<In, Out>) {
    this.#options = options;
  }

  get name(): string {
    return this.#options.name;
  }

  /** The life that runs now. */
  get life(): ThreadLife<In, Out> | undefined {
    return this.#life;
  }

  /** It runs and said that it is ready. */
  get isUp(): boolean {
    return this.#isUp;
  }

  get restartCount(): number {
    return this.#restartCount;
  }

  /** Starts the first life. */
  start(): ThreadLife<In, Out> {
    this.#startedAtMs = this.#options.monotonicMs();
    const life = new ThreadLife<In, Out>(this.name, this.#options.url, (message) =>
      this.#options.onMessage(life, message),
    );
    this.#life = life;
    void life.ended.then((reason) => this.#end(life, reason));
    this.#options.onStart(life);
    return life;
  }

  /** The thread said that it is ready. Words of an earlier life count for nothing. */
  setUp(life: ThreadLife<In, Out>): void {
    if (life === this.#life) this.#isUp = true;
  }

  /** No life follows the one that runs now. */
  letEnd(): void {
    this.#isStopping = true;
    clearTimeout(this.#timer);
  }

  #end(life: ThreadLife<In, Out>, reason: string): void {
    const { log, monotonicMs, onEnd } = this.#options;
    this.#life = undefined;
    this.#isUp = false;
    onEnd(life);
    if (this.#isStopping) return;
    const delayMs = this.#backoff.nextDelayMs(monotonicMs() - this.#startedAtMs);
    log("error", "A thread ended and is started again", { thread: this.name, reason, delayMs });
    this.#timer = setTimeout(() => {
      this.#restartCount++;
      this.start();
    }, delayMs);
  }
}
