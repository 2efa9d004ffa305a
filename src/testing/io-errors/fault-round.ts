import { isConnectionLoss } from "../acceptance/raw-connection.ts";
import { clientOf, type S3Client } from "../acceptance/s3-client.ts";
import { type Action, applyAction, emptyStore, isPossible, type StoreState } from "../power-loss/action.ts";
import { checkStore, compareFacts, compareStore } from "../power-loss/check-store.ts";
import { type Facts, factsOf } from "../power-loss/expected-facts.ts";
import { ActionSender } from "../power-loss/send-action.ts";
import { type ServerProcess, startServer } from "../server-process.ts";
import { type Fault, FaultInjector } from "./fault-injector.ts";

/** What one round showed. */
export interface FaultRound {
  readonly fault: Fault;
  /** The calls that failed; none when the work needs fewer calls. */
  readonly failedCalls: readonly string[];
  /** Answers other than success, as `action: status code`. */
  readonly refusals: readonly string[];
  /** What is wrong. */
  readonly violations: readonly string[];
}

const client = "io";
const maxCandidates = 32;
const endWaitMs = 10;
const maxEndWaits = 2_000;

/** What is there before the fault, and is not to suffer from it. */
const preparation: readonly Action[] = [
  { kind: "createBucket", bucket: "io-a" },
  { kind: "createBucket", bucket: "io-b" },
  { kind: "createBucket", bucket: "io-old" },
  { kind: "put", bucket: "io-a", key: "kept", body: { sizeBytes: 2_000, seed: 1 } },
  { kind: "put", bucket: "io-a", key: "kept large", body: { sizeBytes: 200_000, seed: 2 } },
  { kind: "put", bucket: "io-a", key: "overwritten", body: { sizeBytes: 300, seed: 3 } },
  { kind: "put", bucket: "io-b", key: "deleted", body: { sizeBytes: 180_000, seed: 4 } },
  { kind: "createUpload", upload: 1, bucket: "io-b", key: "parts" },
  { kind: "putPart", upload: 1, partNumber: 1, body: { sizeBytes: 150_000, seed: 5 } },
];

/** The work during which a call fails: every kind of change. */
const work: readonly Action[] = [
  { kind: "put", bucket: "io-a", key: "small", body: { sizeBytes: 1_000, seed: 6 } },
  { kind: "put", bucket: "io-a", key: "large", body: { sizeBytes: 600_000, seed: 7 } },
  { kind: "put", bucket: "io-a", key: "overwritten", body: { sizeBytes: 250_000, seed: 8 } },
  { kind: "putPart", upload: 1, partNumber: 1, body: { sizeBytes: 160_000, seed: 9 } },
  { kind: "completeUpload", upload: 1 },
  { kind: "copy", bucket: "io-b", key: "copied", source: { bucket: "io-a", key: "kept large" } },
  { kind: "copy", bucket: "io-b", key: "copied small", source: { bucket: "io-a", key: "kept" } },
  { kind: "delete", bucket: "io-b", key: "deleted" },
  { kind: "createUpload", upload: 2, bucket: "io-a", key: "open" },
  { kind: "putPart", upload: 2, partNumber: 1, body: { sizeBytes: 130_000, seed: 10 } },
  { kind: "createBucket", bucket: "io-new" },
  { kind: "put", bucket: "io-new", key: "first", body: { sizeBytes: 400, seed: 11 } },
  { kind: "put", bucket: "io-new", key: "first large", body: { sizeBytes: 140_000, seed: 12 } },
  { kind: "deleteBucket", bucket: "io-old" },
  { kind: "put", bucket: "io-a", key: "last", body: { sizeBytes: 700, seed: 13 } },
];

/** Shows that the server still works. */
const laterWork: readonly Action[] = [
  { kind: "put", bucket: "io-a", key: "later", body: { sizeBytes: 900, seed: 14 } },
  { kind: "put", bucket: "io-b", key: "later large", body: { sizeBytes: 300_000, seed: 15 } },
  { kind: "delete", bucket: "io-a", key: "kept" },
];

/**
 * Lets one call of a fresh server fail while it works. Then, without the fault: everything acknowledged reads back, what was refused
 * has changed nothing, new objects can be written; and the same again after a restart,
 * which for odd numbers follows a `kill -9`.
 */
export async function runFaultRound(fault: Fault): Promise<FaultRound> {
  const server = await startServer();
  const s3 = clientOf(server);
  try {
    const round = new Round(s3);
    for (const action of preparation) await round.send(action);
    const injector = await FaultInjector.attach(server.pid, fault);
    for (const action of work) await round.send(action);
    const failedCalls = await injector.detach();
    await round.compare();
    for (const action of laterWork) await round.send(action);
    s3.close();
    if (await restart(server, round, fault.callNumber % 2 === 0)) await round.check();
    return { fault, failedCalls, refusals: round.refusals, violations: round.violations };
  } finally {
    s3.close();
    await server.remove();
  }
}

/** The acceptance suite's own way to end a server waits for load balancers first; SIGINT does not. */
async function end(server: ServerProcess, round: Round): Promise<void> {
  const { pid } = server;
  process.kill(pid, "SIGINT");
  for (let waits = 0; isRunning(pid) && waits < maxEndWaits; waits++) await Bun.sleep(endWaitMs);
  if (isRunning(pid)) {
    round.violations.push(`SIGINT does not end the server within ${(maxEndWaits * endWaitMs) / 1_000} s`);
    return server.kill9();
  }
  const code = await server.stop();
  if (code !== 0) round.violations.push(`SIGINT ends the server with code ${code}`);
}

async function restart(server: ServerProcess, round: Round, isClean: boolean): Promise<boolean> {
  try {
    if (isClean) await end(server, round);
    else await server.kill9();
    await server.start();
    return true;
  } catch (error) {
    round.violations.push(`restart: ${describeError(error)}`);
    return false;
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/**
 * The states the store may be in. An answer of success or refusal leads from each to one, a lost connection to two, and so does a
 * refused change of a bucket, which the server finishes or undoes later.
 */
class Round {
  readonly refusals: string[] = [];
  readonly violations: string[] = [];
  readonly #s3: S3Client;
  readonly #sender: ActionSender;
  #candidates: StoreState[] = [emptyStore];
  /** Refused changes of buckets: the server may finish them at its next start. */
  readonly #openActions: Action[] = [];

  constructor(s3: S3Client) {
    this.#s3 = s3;
    this.#sender = new ActionSender(s3);
  }

  /** Sends an action unless it is impossible in every state. */
  async send(action: Action): Promise<void> {
    if (!this.#candidates.some((state) => isPossible(state, action))) return;
    const wasPossible = this.#candidates.every((state) => isPossible(state, action));
    const answer = await this.#sender.send(action).catch((error: unknown) => {
      if (isConnectionLoss(error)) return undefined;
      throw error;
    });
    const after = this.#candidates.map((state) => (isPossible(state, action) ? applyAction(state, action) : state));
    if (answer !== undefined && answer.status < 300 && answer.code === "") {
      this.#candidates = after;
      return;
    }
    const outcome = answer === undefined ? "connection lost" : `${answer.status} ${answer.code}`;
    const refusal = `${action.kind} ${"key" in action ? action.key : ""}: ${outcome}`;
    this.refusals.push(refusal);
    const isUnknown = answer === undefined || action.kind.endsWith("Bucket");
    if (isUnknown) this.#candidates = [...this.#candidates, ...after].slice(0, maxCandidates);
    if (isUnknown && answer !== undefined) this.#openActions.push(action);
    const isServersFault = answer === undefined || answer.status === 200 || answer.status >= 500;
    if (wasPossible && !isServersFault) this.violations.push(`${refusal}, and it is possible`);
  }

  /** Compares the server with the states it may have: what it shows is what it has from now on, but for open changes. */
  async compare(): Promise<void> {
    const states = this.#states();
    const { violations, facts } = await compareStore(this.#s3, [{ client, states }]);
    this.violations.push(...violations);
    const [seen = new Map()] = facts;
    const index = states.findIndex((state) => compareFacts(state, seen).length === 0);
    const state = this.#candidates[Math.max(index, 0)] ?? emptyStore;
    this.#candidates = [state];
    for (const action of this.#openActions) {
      this.#candidates.push(
        ...this.#candidates.filter((each) => isPossible(each, action)).map((each) => applyAction(each, action)),
      );
    }
  }

  /** Compares, and works on with what is there. */
  async check(): Promise<void> {
    const violations = await checkStore(this.#s3, [{ client, states: this.#states() }]);
    this.violations.push(...violations.map((line) => `after a restart: ${line}`));
  }

  #states(): Facts[] {
    const { uploadIds } = this.#sender;
    return this.#candidates.map((state) => factsOf(state, uploadIds));
  }
}

function describeError(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
