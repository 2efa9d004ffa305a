import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FakeClock } from "#testing/fake-clock.ts";
import { openControlDatabase } from "../database/open-control-database.ts";
import { historyPlaces, historySteps, MetricsHistory } from "./metrics-history.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

async function open() {
  const folder = mkdtempSync(join(tmpdir(), "maxiofs-history-"));
  folders.push(folder);
  const database = await openControlDatabase(folder);
  const clock = new FakeClock(Date.UTC(2026, 0, 2));
  const history = new MetricsHistory({ database, clock, makeMeter: () => ({ measure: () => ({}) }) });
  const countRows = async () =>
    (await database.all("SELECT step_seconds FROM metrics_history WHERE step_seconds = $1", [10])).length;
  return { database, clock, history, countRows };
}

test("historySteps: a day of 10 s, 30 days of 5 min", () => {
  expect(historySteps.map((step) => (step * historyPlaces) / 3600)).toEqual([24, 720]);
});

test("MetricsHistory: a point per step that is over", async () => {
  const { database, clock, history } = await open();
  const all = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, limit: 100 };
  clock.advance(9_999);
  await history.look();
  expect(await history.read({ step: 10, ...all })).toEqual([]);
  for (let second = 0; second < 300; second++) {
    clock.advance(1_000);
    await history.look();
  }
  const fine = await history.read({ step: 10, ...all });
  expect(fine.map(({ atMs }) => atMs)).toEqual(
    Array.from({ length: 30 }, (_, index) => Date.UTC(2026, 0, 2) + index * 10_000),
  );
  expect((await history.read({ step: 300, ...all })).map(({ atMs }) => atMs)).toEqual([Date.UTC(2026, 0, 2)]);
  await database.close();
});

test.each([
  [historyPlaces - 1, 2],
  [historyPlaces, 1],
])("MetricsHistory: %d steps later %d rows are kept", async (steps, rows) => {
  const { database, clock, history, countRows } = await open();
  for (const count of [1, steps]) {
    clock.advance(count * 10_000);
    await history.look();
  }
  expect(await countRows()).toBe(rows);
  await database.close();
});

test("MetricsHistory: what no later point replaced is not shown after its time", async () => {
  const { database, clock, history, countRows } = await open();
  const read = () => history.read({ step: 10, fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, limit: 10 });
  clock.advance(10_000);
  await history.look();
  clock.advance((historyPlaces - 1) * 10_000);
  expect(await read()).toHaveLength(1);
  clock.advance(10_000);
  expect([(await read()).length, await countRows()]).toEqual([0, 1]);
  await database.close();
});
