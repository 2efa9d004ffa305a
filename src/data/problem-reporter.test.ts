import { expect, test } from "bun:test";
import type { CatalogProblem } from "#kernel/protocol/catalog-problem.ts";
import { FakeClock } from "#testing/fake-clock.ts";
import { ProblemReporter } from "./problem-reporter.ts";

test("ProblemReporter: the same problem is sent once a second, others at once, and again after it was over", () => {
  const clock = new FakeClock();
  const sent: string[] = [];
  const sink = {
    report: ({ kind, bucketId }: CatalogProblem) => void sent.push(`${kind} ${bucketId}`),
    settle: (bucketId: string, object = "") => void sent.push(`settled ${bucketId}${object}`),
  };
  const reporter = new ProblemReporter(sink, clock);
  const report = (bucketId: string, kind: CatalogProblem["kind"]) => reporter.report({ bucketId, kind, reason: "r" });
  for (let i = 0; i < 100; i++) for (const id of ["1", "2"]) report(id, "damaged");
  report("1", "lost");
  expect(sent.splice(0)).toEqual(["damaged 1", "damaged 2", "lost 1"]);
  clock.advance(999);
  report("1", "damaged");
  expect(sent).toEqual([]);
  clock.advance(1);
  report("1", "damaged");
  reporter.settle("1");
  report("1", "lost");
  reporter.settle("2");
  expect(sent).toEqual(["damaged 1", "settled 1", "lost 1"]);
  sent.length = 0;
  for (const object of ["a", "b", "a"]) reporter.report({ bucketId: "1", kind: "object", reason: "r", object });
  reporter.settle("1", "a");
  reporter.report({ bucketId: "1", kind: "object", reason: "r", object: "a" });
  expect(sent).toEqual(["object 1", "object 1", "settled 1a", "object 1"]);
});
