import { type MessagePort, parentPort } from "node:worker_threads";
import { slotLayout } from "#kernel/metrics/operation-index.ts";
import { SlotRecorder } from "#kernel/metrics/slot-recorder.ts";
import type { WriterAnswer, WriterBatch } from "#kernel/protocol/mutation.ts";
import type { ToControl } from "#kernel/protocol/to-control.ts";
import type { ToData } from "#kernel/protocol/to-data.ts";

/**
 * A data worker for the tests of the pool: listens to nothing and misbehaves on demand. A demand is an `answer` whose value
 * is `throw`, `reject`, `exit`, `spin`, `commit`, `stall` (never drained) or `busy` (never drained, but in progress).
 */
class FakeDataWorker {
  readonly #port: MessagePort;
  readonly #recorder: SlotRecorder;
  #mode: unknown;

  constructor(port: MessagePort, start: Extract<ToData, { kind: "start" }>) {
    this.#port = port;
    this.#recorder = new SlotRecorder(start.metrics, slotLayout);
    this.#recorder.recordCommitBatch(1);
    this.#recorder.setConnections(start.config.workerIndex + 1);
    this.#useWriter(start.writer);
    if (start.config.s3Port === 1) throw new Error("The fake worker refuses port 1");
    this.#say({ kind: "listening", s3Port: start.config.s3Port || 12345 });
    this.#say({ kind: "applied", number: start.snapshot.number });
  }

  #writer: MessagePort | undefined;

  #useWriter(writer: MessagePort): void {
    this.#writer = writer;
    writer.on("message", (answer: WriterAnswer) => {
      this.#say({ kind: "log", level: "debug", message: "committed", fields: { results: answer.results } });
    });
  }

  receive(message: ToData): void {
    if (message.kind === "delta") this.#say({ kind: "applied", number: message.delta.number });
    if (message.kind === "writer") this.#useWriter(message.writer);
    if (message.kind === "answer" && message.result.ok) this.#obey(message.result.value);
    if (message.kind === "drain") this.#drain();
  }

  #obey(demand: unknown): void {
    this.#mode = demand;
    if (demand === "throw") throw new Error("The fake worker throws");
    if (demand === "reject") void Promise.reject(new Error("The fake worker rejects"));
    if (demand === "exit") process.exit(3);
    if (demand === "commit") {
      this.#writer?.postMessage({ id: 1, mutations: "[]", bytes: new ArrayBuffer(0) } satisfies WriterBatch);
    }
    while (demand === "spin") this.#mode = demand;
  }

  #drain(): void {
    if (this.#mode === "busy") setInterval(() => this.#recorder.noteProgress(), 20);
    else if (this.#mode !== "stall") this.#say({ kind: "drained" });
  }

  #say(message: ToControl): void {
    this.#port.postMessage(message);
  }
}

function run(): void {
  const port = parentPort;
  let worker: FakeDataWorker | undefined;
  port?.on("message", (message: ToData) => {
    if (message.kind === "start") worker = new FakeDataWorker(port, message);
    else worker?.receive(message);
  });
}

run();
