import { expect, test } from "bun:test";
import { Registry } from "prom-client";
import { FakeClock } from "#testing/fake-clock.ts";
import { CatalogProblems } from "./catalog-problems.ts";
import { registerHealthMetrics } from "./health-metrics.ts";
import { Readiness } from "./readiness.ts";

test("registerHealthMetrics: a line per check and per kind of problem, which move", async () => {
  const clock = new FakeClock();
  const problems = new CatalogProblems({ clock, log: { error: () => {}, info: () => {} } });
  problems.useBuckets(new Map([["1", { name: "photos" }]]));
  const probes = [
    { name: "buckets", isPartial: true, check: () => problems.check() },
    { name: "space", check: () => Promise.resolve() },
  ];
  const readiness = new Readiness({ probes, clock, onChange: () => {} });
  const registry = new Registry();
  registerHealthMetrics(registry, { readiness, problems });
  const judge = async () => {
    clock.advance(2000);
    await readiness.report();
    return registry.metrics();
  };
  readiness.start();
  const before = await judge();
  for (const line of [
    'health_check_ok{check="buckets"} 1',
    'health_check_ok{check="space"} 1',
    'catalog_problems{kind="lost"} 0',
  ])
    expect(before).toContain(`maxiofs_${line}`);
  problems.report({ bucketId: "1", kind: "lost", reason: "removed" });
  const after = await judge();
  for (const line of [
    'health_check_ok{check="buckets"} 0',
    'health_check_ok{check="space"} 1',
    'catalog_problems{kind="lost"} 1',
  ])
    expect(after).toContain(`maxiofs_${line}`);
  readiness.drain();
});
