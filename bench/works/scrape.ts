import type { BenchContext } from "../bench-context.ts";
import type { MeasuredServer } from "../measured-server.ts";
import type { ReportRow } from "../report.ts";

const bucketCount = 1000;
const shortBucketCount = 100;
const parallel = 16;
const warmScrapes = 20;
const scrapes = 60;
const targetMs = 20;
const body = new Uint8Array(1024);

/** A scrape of `/metrics` of a server with 1,000 buckets, and what requests feel of it. */
export async function measureScrape(bench: BenchContext): Promise<ReportRow[]> {
  const count = bench.options.short ? shortBucketCount : bucketCount;
  return bench.withServer({}, async (server) => {
    await fillBuckets(server, count);
    for (let index = 0; index < warmScrapes; index += 1) await scrape(server);
    const costs: number[] = [];
    for (let index = 0; index < scrapes; index += 1) costs.push((await scrape(server)).ms);
    const { series } = await scrape(server);
    const alone = await worstRequest(server, false);
    const beside = await worstRequest(server, true);
    const none = { kind: "none" } as const;
    const common = { unit: "ms", limit: "", errorCount: 0, notes: [] };
    const limit = `median of ${scrapes}, ${series} lines`;
    const work = `scrape of /metrics, ${count} buckets`;
    return [
      { ...common, work, measured: median(costs), wanted: { kind: "most", target: targetMs }, limit },
      { ...common, work: "  the slowest of them", measured: Math.max(...costs), wanted: none },
      { ...common, work: "  p99 of GET 1 KiB, no scrapes", measured: alone, wanted: none },
      { ...common, work: "  p99 of GET 1 KiB, a scrape each 100 ms", measured: beside, wanted: none },
    ];
  });
}

/** Each bucket gets an object, is read and listed once: it then has lines of its own, as far as names have. */
async function fillBuckets(server: MeasuredServer, count: number): Promise<void> {
  const fill = async (first: number) => {
    for (let index = first; index < count; index += parallel) {
      const name = `bench-scrape-${index}`;
      await server.createBucket(name);
      await expectOk(await server.request("PUT", { path: `/${name}/key`, body }));
      await expectOk(await server.request("GET", { path: `/${name}/key` }));
      await expectOk(await server.request("GET", { path: `/${name}`, query: "list-type=2" }));
    }
  };
  await Promise.all(Array.from({ length: parallel }, (_, first) => fill(first)));
}

async function scrape(server: MeasuredServer): Promise<{ readonly ms: number; readonly series: number }> {
  const startedMs = performance.now();
  const response = await fetch(`http://${server.host}:${server.consolePort}/metrics`);
  const text = await response.text();
  const ms = performance.now() - startedMs;
  if (response.status !== 200) throw new Error(`/metrics answered ${response.status}: ${text.slice(0, 300)}`);
  return { ms, series: text.split("\n").filter((line) => line !== "" && !line.startsWith("#")).length };
}

/** p99 of one connection that reads as fast as it can, in ms. */
async function worstRequest(server: MeasuredServer, isScraped: boolean): Promise<number> {
  const times: number[] = [];
  let isOver = false;
  const scraping = (async () => {
    while (isScraped && !isOver) {
      await scrape(server);
      await Bun.sleep(100);
    }
  })();
  for (let index = 0; index < 1000; index += 1) {
    const startedMs = performance.now();
    await expectOk(await server.request("GET", { path: "/bench-scrape-0/key" }));
    times.push(performance.now() - startedMs);
  }
  isOver = true;
  await scraping;
  return times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? 0;
}

async function expectOk(response: Response): Promise<void> {
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${response.url} answered ${response.status}: ${text.slice(0, 300)}`);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
