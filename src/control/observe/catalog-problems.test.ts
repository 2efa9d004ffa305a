import { expect, test } from "bun:test";
import type { CatalogProblem } from "#kernel/protocol/catalog-problem.ts";
import { FakeClock } from "#testing/fake-clock.ts";
import { CatalogProblems } from "./catalog-problems.ts";

function open() {
  const clock = new FakeClock();
  const lines: string[] = [];
  const write = (message: string, fields: object = {}) => void lines.push(`${message} ${JSON.stringify(fields)}`);
  const problems = new CatalogProblems({ clock, log: { error: write, info: write } });
  problems.useBuckets(new Map([["1", { name: "photos" }]]));
  const report = (change: Partial<CatalogProblem> = {}) =>
    problems.report({ bucketId: "1", kind: "damaged", reason: "SQLITE_CORRUPT: x", ...change });
  return { clock, lines, problems, report };
}

test("CatalogProblems: a line names bucket, id, kind, key and reason, once a minute however many requests fail", () => {
  const { clock, lines, report } = open();
  for (let i = 0; i < 1000; i++) report({ key: `k${i}` });
  expect(lines.length).toBe(1);
  for (const part of ['"bucket":"photos"', '"bucketId":"1"', '"problem":"damaged"', '"key":"k0"', "SQLITE_CORRUPT"])
    expect(lines[0]).toContain(part);
  clock.advance(59_999);
  report();
  expect(lines.length).toBe(1);
  clock.advance(1);
  report();
  expect(lines.length).toBe(2);
});

test("CatalogProblems: damage counts until the process ends, a lost catalog until it is back or not met for a minute", async () => {
  const { clock, lines, problems, report } = open();
  await problems.check();
  report();
  report({ kind: "lost", reason: "removed" });
  expect(problems.count()).toEqual({ lost: 1, damaged: 1, locked: 0, unreadable: 0, object: 0 });
  expect(problems.check()).rejects.toThrow("1 lost, 1 damaged");
  problems.settle("1");
  expect(problems.count()).toMatchObject({ lost: 0, damaged: 1 });
  expect(lines.at(-1)).toContain("is over");
  report({ kind: "lost", reason: "removed" });
  clock.advance(60_000);
  expect(problems.count()).toMatchObject({ lost: 1 });
  clock.advance(1);
  expect(problems.count()).toMatchObject({ lost: 0, damaged: 1 });
  clock.advance(100 * 86_400_000);
  expect(problems.count()).toMatchObject({ damaged: 1 });
});

test("CatalogProblems: a lost or locked catalog is logged when that begins, not again while it lasts", () => {
  const { clock, lines, report } = open();
  for (let i = 0; i < 10; i++) {
    report({ kind: "lost", reason: "removed" });
    report({ kind: "locked", reason: "SQLITE_BUSY" });
    clock.advance(30_000);
  }
  expect(lines.length).toBe(2);
});

test("CatalogProblems: buckets that are deleted or unknown do not count", () => {
  const { lines, problems, report } = open();
  report({ bucketId: "2" });
  report();
  problems.useBuckets(new Map());
  expect([problems.count().damaged, lines.length]).toEqual([0, 1]);
});

test("CatalogProblems: a bucket's damaged objects are over with the last one, unless there are some nobody looks after", () => {
  const { lines, problems, report } = open();
  for (const object of ["a", "b"]) report({ kind: "object", object });
  problems.settle("1", "a");
  expect(problems.count().object).toBe(1);
  problems.settle("1", "b");
  expect(problems.count().object).toBe(0);
  expect(lines.at(-1)).toContain("is over");
  report({ kind: "object", object: "a" });
  report({ kind: "object" });
  problems.settle("1", "a");
  expect(problems.count().object).toBe(1);
});

test("CatalogProblems: lines that know a bucket by its id get its name", () => {
  const { problems } = open();
  expect(problems.withName({ bucketId: "1", reason: "r" })).toEqual({ bucket: "photos", bucketId: "1", reason: "r" });
  for (const fields of [{ bucketId: "2" }, { count: 1 }, { bucketId: "1", bucket: "as it was" }])
    expect(problems.withName(fields)).toEqual(fields);
});
