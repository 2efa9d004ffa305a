import { Worker } from "node:worker_threads";
import { startPoolServer } from "./pool-server.ts";

/**
 * Lets guarded threads fail and prints what came of it as one line of JSON (`GuardOutcome`). A program of its own, because the
 * test runner takes over the events of whatever is not handled, in threads too.
 */
export interface GuardOutcome {
  /** All that a guarded thread said that was told to reject twice, and then to go on. */
  readonly rejected: readonly string[];
  /** The same for one that was told to throw, and its exit code. */
  readonly threw: readonly string[];
  readonly exitCode: number | undefined;
  /** Log and counter of a server whose data worker threw, and the status of an answer afterwards. */
  readonly logged: readonly string[];
  readonly uncaughtCount: number;
  readonly statusAfter: number;
}

/** The guard counts a failure and logs it. */
const wordsOfFailure = 2;

/** Tells a guarded thread one thing after the other and waits for all it says about each. */
async function tell(messages: readonly string[]): Promise<{ said: string[]; exitCode: number | undefined }> {
  const thread = new Worker(new URL("./guarded-thread.ts", import.meta.url));
  const said: string[] = [];
  let exitCode: number | undefined;
  thread.on("message", (message: string) => said.push(message));
  const ended = new Promise<void>((resolve) => {
    thread.on("exit", (code) => {
      exitCode = code;
      resolve();
    });
  });
  let wanted = 0;
  for (const message of messages) {
    thread.postMessage(message);
    wanted += /^(reject|throw)/.test(message) ? wordsOfFailure : 1;
    while (said.length < wanted && exitCode === undefined) await Bun.sleep(1);
  }
  if (messages.at(-1) === "throw") await ended;
  else await thread.terminate();
  return { said, exitCode };
}

async function breakWorker(): Promise<Pick<GuardOutcome, "logged" | "uncaughtCount" | "statusAfter">> {
  const server = await startPoolServer({ buckets: { bucket: "never" } });
  try {
    server.breakWorker();
    while (server.restartCount() === 0) await Bun.sleep(20);
    let statusAfter = 0;
    while (statusAfter === 0) {
      statusAfter = await server
        .bucket("bucket")
        .head("none")
        .then(
          ({ status }) => status,
          () => 0,
        );
    }
    return { logged: server.logged, uncaughtCount: server.uncaughtCount(), statusAfter };
  } finally {
    await server.remove();
  }
}

async function run(): Promise<GuardOutcome> {
  const { said: rejected } = await tell(["reject", "reject text", "alive", "still alive"]);
  const { said: threw, exitCode } = await tell(["alive", "throw"]);
  return { rejected, threw, exitCode, ...(await breakWorker()) };
}

if (import.meta.main) await Bun.write(Bun.stdout, JSON.stringify(await run()));
