import { expect, test } from "bun:test";
import type { GuardOutcome } from "#testing/guard-scenario.ts";

const child = Bun.spawn({
  cmd: [process.execPath, "run", new URL("../testing/guard-scenario.ts", import.meta.url).pathname],
  stdout: "pipe",
  stderr: "inherit",
});
const outcome: GuardOutcome = JSON.parse(await new Response(child.stdout).text());

test("guardThread: an unhandled rejection is logged with its stack and counted, and the thread goes on", () => {
  const { rejected } = outcome;
  expect(rejected.filter((text) => text === "rejection").length).toBe(2);
  expect(rejected.filter((text) => text.startsWith("error: A promise was rejected")).length).toBe(2);
  expect(rejected.some((text) => /Error: unheard\n\s+at .*guarded-thread/.test(text))).toBe(true);
  expect(rejected.some((text) => text.endsWith(": a text"))).toBe(true);
  expect(rejected.at(-1)).toBe("still alive");
});

test("guardThread: an uncaught exception is logged with its stack and counted, and the thread ends", () => {
  const [alive, counted, logged] = outcome.threw;
  expect([alive, counted, outcome.exitCode]).toEqual(["alive", "exception", 1]);
  expect(logged).toMatch(
    /^error: An exception was not caught: the thread ends: Error: uncaught\n\s+at .*guarded-thread/,
  );
});

test("guardThread: a data worker that fails says why, is counted, and the next one answers", () => {
  const { logged, uncaughtCount, statusAfter } = outcome;
  expect(logged.some((line) => /^error An exception was not caught.*snapshot-store.*worker 0/.test(line))).toBe(true);
  expect(logged.some((line) => /^error A thread ended and is started again.*exit code 1/.test(line))).toBe(true);
  expect([uncaughtCount, statusAfter]).toEqual([1, 404]);
});
