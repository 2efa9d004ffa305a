import { parentPort } from "node:worker_threads";
import { guardThread } from "#data/guard-thread.ts";

/** A thread under guard for tests: does the failure it is told, says what the guard did, answers everything else with itself. */
const failures: Readonly<Record<string, () => void>> = {
  reject: () => void Promise.reject(new Error("unheard")),
  "reject text": () => void Promise.reject("a text"),
  throw: () => void setTimeout(() => fail("uncaught")),
};

function fail(message: string): never {
  throw new Error(message);
}

guardThread({
  log: (level, message, fields) => parentPort?.postMessage(`${level}: ${message}: ${fields["reason"]}`),
  count: (kind) => parentPort?.postMessage(kind),
});
parentPort?.on("message", (message: string) => {
  const failure = failures[message];
  if (failure) failure();
  else parentPort?.postMessage(message);
});
