import { afterEach, expect, test } from "bun:test";
import type { ThreadMetrics } from "#kernel/metrics/metrics-source.ts";
import { operationIndex, slotLayout } from "#kernel/metrics/operation-index.ts";
import { createSlot } from "#kernel/metrics/slot-layout.ts";
import { SlotRecorder } from "#kernel/metrics/slot-recorder.ts";
import { FakeClock } from "#testing/fake-clock.ts";
import { closeControl, closeControls, startControl, testAdministrator } from "#testing/opened-control.ts";
import { historyRoutes, maxHistoryPage } from "./history.routes.ts";
import { historySeries } from "./history-meter.ts";

afterEach(closeControls);

const path = "/api/v1/metrics/history";
const noon = Date.UTC(2026, 0, 2, 12);

function makeThread() {
  const slot = createSlot(slotLayout);
  const thread: ThreadMetrics = { worker: "0", up: true, restartCount: 0, slot };
  return { metricsSource: { threads: () => [thread] }, recorder: new SlotRecorder(slot, slotLayout) };
}

/** Asks again until as many points are kept: the server looks once a second. */
async function waitForPoints(opened: Pick<Awaited<ReturnType<typeof startControl>>, "fetch">, count: number) {
  for (;;) {
    const { items } = await (await opened.fetch(path, { as: testAdministrator })).json();
    if (items.length >= count) return items;
    await Bun.sleep(50);
  }
}

test("historyRoutes: requests of a step are its rates and latencies; points stay over a restart, with the gap", async () => {
  const clock = new FakeClock(noon);
  const { metricsSource, recorder } = makeThread();
  const options = { clock, metricsSource };
  const first = await startControl(options);
  const sample = { bucketRow: 0, durationUs: 3_000, bytesIn: 1_000, bytesOut: 500 };
  for (const status of [2, 2, 2, 5]) recorder.recordRequest(operationIndex("PutObject"), status, sample);
  recorder.setConnections(7);
  clock.advance(10_000);
  const [point] = await waitForPoints(first, 1);
  expect(point).toMatchObject({
    time: "2026-01-02T12:00:00.000Z",
    values: {
      throughput_requests_per_second: 0.4,
      throughput_bytes_per_second: 600,
      operation_success_rate_percent: 75,
      operation_latency_mean_milliseconds: 3,
      worker_connections: 7,
    },
  });
  await closeControl(first.control);
  clock.advance(60_000);
  const second = await startControl({ ...options, dataDir: first.dataDir });
  clock.advance(10_000);
  const times = (await waitForPoints(second, 2)).map(({ time }: { time: string }) => time);
  expect(times).toEqual(["2026-01-02T12:00:00.000Z", "2026-01-02T12:01:10.000Z"]);
  const query = "?series=worker_connections,operation_latency_p99_milliseconds&from=2026-01-02T12:00:01Z";
  const { items } = await (await second.fetch(path + query, { as: testAdministrator })).json();
  const values = { worker_connections: 7, operation_latency_p99_milliseconds: null };
  expect(items).toEqual([{ time: "2026-01-02T12:01:10.000Z", values }]);
});

test("historyRoutes: good questions are answered, bad ones refused, and so is who is not known", async () => {
  const { fetch } = await startControl();
  const status = async (query: string) => (await fetch(path + query, { as: testAdministrator })).status;
  const good = ["", `?series=${historySeries.join()}`, "?step=10", "?step=300", "?from=2026-01-02T03:04Z"];
  for (const query of good) expect([query, await status(query)]).toEqual([query, 200]);
  const bad = ["?series=", "?series=nothing", "?step=60", "?from=yesterday", "?to=2026-13-02T03:04Z", "?other=1"];
  for (const query of bad) expect([query, await status(query)]).toEqual([query, 400]);
  expect((await fetch(path)).status).toBe(401);
});

test.each([0, 1])("historyRoutes: a page has maxHistoryPage points; with %d more", async (more) => {
  const points = Array.from({ length: maxHistoryPage + more }, (_, index) => ({
    atMs: noon + index * 10_000,
    values: {},
  }));
  const read = async ({ fromMs, limit }: { readonly fromMs: number; readonly limit: number }) =>
    points.filter(({ atMs }) => atMs >= fromMs).slice(0, limit);
  const app = historyRoutes({ history: { read }, clock: new FakeClock(noon) });
  const ask = async (query: string) => (await app.handle(new Request(`http://localhost${path}${query}`))).json();
  const page = await ask("?from=2026-01-02T12:00Z");
  expect(page.items).toHaveLength(maxHistoryPage);
  expect(page.nextCursor === null).toBe(more === 0);
  if (more > 0) expect((await ask(`?cursor=${page.nextCursor}`)).items).toHaveLength(1);
});
