import { expect, test } from "bun:test";
import type { DenialRecord } from "#kernel/protocol/diagnostics.ts";
import type { ToData } from "#kernel/protocol/to-data.ts";
import { WorkerQuestions } from "./worker-questions.ts";

const record = { requestId: "R" } as DenialRecord;
const requestId = "R";

/** Two workers, and what they are asked. */
function makeWorkers(answerWithinMs = 60_000) {
  const asked: ToData[] = [];
  const workers = ["worker 0", "worker 1"].map((name) => ({
    name,
    send: (message: ToData) => void asked.push(message),
  }));
  const questions = new WorkerQuestions({ workers: () => workers, answerWithinMs });
  const [first, second] = workers;
  if (!first || !second) throw new Error("There must be two");
  return { asked, questions, first, second };
}

test("WorkerQuestions: all workers are asked, and what any of them knows is found", async () => {
  const { asked, questions, first, second } = makeWorkers();
  const found = questions.find("denials", requestId);
  const message = { kind: "find", id: 1, what: "denials", requestId } as const;
  expect(asked).toEqual([message, message]);
  questions.take(first, 1, { denials: [] });
  // Twice the same worker, and an answer to nothing: neither stands for the other worker.
  questions.take(first, 1, { denials: [record] });
  questions.take(second, 9, { denials: [record] });
  questions.take(second, 1, { denials: [record] });
  expect(await found).toEqual({ records: [record], isComplete: true });
});

test("WorkerQuestions: a silent worker is not waited for, and it shows; without workers nothing is known", async () => {
  const { questions, first, second } = makeWorkers(5);
  const found = questions.find("denials", requestId);
  questions.take(first, 1, { denials: [record] });
  expect(await found).toEqual({ records: [record], isComplete: false });
  questions.take(second, 1, { denials: [record] });
  const none = new WorkerQuestions({ workers: () => [] });
  expect(await none.find("denials", requestId)).toEqual({ records: [], isComplete: true });
});
