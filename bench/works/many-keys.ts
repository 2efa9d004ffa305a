import { type BenchContext, rowOf } from "../bench-context.ts";
import { keyOf } from "../load/load-plan.ts";
import { processMemory } from "../load/process-usage.ts";
import type { ReportRow } from "../report.ts";
import { memoryRow } from "./memory.ts";
import { type SeededFolder, seededFolder, seededLayout, seededShape, withSeededServer } from "./seeded-folder.ts";

const startTargetMs = 500;
const startCount = 5;
/** The same number of requests for both buckets, within this time. */
const memoryLoadMs = 60_000;
/** Growth allowed between few and many keys: noise of two processes, not a structure per key. */
const growthMebibytes = 32;

/** Resident size after the same requests on a bucket of few keys and of very many, each in a fresh server. */
export async function measureKeyMemory(bench: BenchContext): Promise<ReportRow[]> {
  const seeded = await seededFolder(bench);
  const few = await residentAfterLoad(bench, seeded.small);
  const many = await residentAfterLoad(bench, seeded.large);
  const fewRow = memoryRow(`RSS, ${seeded.small.keyCount.toLocaleString("en-US")} keys`, few.bytes, 0);
  const manyRow = memoryRow(`RSS, ${seeded.large.keyCount.toLocaleString("en-US")} keys`, many.bytes, 0);
  const growth = memoryRow("RSS growth from few to many keys", Math.max(0, many.bytes - few.bytes), growthMebibytes);
  return [
    { ...fewRow, wanted: { kind: "none" }, errorCount: few.errorCount },
    { ...manyRow, wanted: { kind: "none" }, errorCount: many.errorCount },
    growth,
  ];
}

/** From spawn to the first 200 on a signed GET of one of very many keys; the median of five starts. */
export async function measureStart(bench: BenchContext): Promise<ReportRow[]> {
  const seeded = await seededFolder(bench);
  const { dataFolder, accessKey, secretKey, large } = seeded;
  const key = keyOf(seededLayout, Math.floor(large.keyCount / 2));
  const probe = { path: `/${large.bucket}/${key}`, query: "" };
  const times: number[] = [];
  for (let round = 0; round < startCount; round += 1) {
    const startMs = await bench.withServer(
      { dataFolder, accessKey, secretKey, probe },
      async (server) => server.startMs,
    );
    times.push(startMs);
  }
  times.sort((left, right) => left - right);
  const rows: ReportRow[] = [
    {
      work: `start to first answer, ${large.keyCount.toLocaleString("en-US")} keys`,
      measured: times[Math.floor(startCount / 2)] ?? 0,
      unit: "ms",
      wanted: { kind: "most", target: startTargetMs },
      limit: "",
      p50Us: Math.round((times[Math.floor(startCount / 2)] ?? 0) * 1000),
      p99Us: Math.round((times.at(-1) ?? 0) * 1000),
      errorCount: 0,
      notes: [],
    },
  ];
  if (seeded.storedPerSecond > 0) rows.push(seedingRow(seeded));
  return rows;
}

function seedingRow(seeded: SeededFolder): ReportRow {
  return {
    work: "seeding, PUT 16 bytes, 64 connections",
    measured: seeded.storedPerSecond,
    unit: "/s",
    wanted: { kind: "none" },
    limit: "signing included",
    errorCount: 0,
    notes: [],
  };
}

async function residentAfterLoad(
  bench: BenchContext,
  from: SeededFolder["large"],
): Promise<{ bytes: number; errorCount: number }> {
  const { bucket, keyCount } = from;
  const memoryGets = bench.options.short ? 5_000 : 20_000;
  const memoryPages = bench.options.short ? 250 : 1_000;
  return withSeededServer(bench, async (server) => {
    const get = await bench.runLoad(server, {
      bucket,
      connections: 64,
      ...{ warmupMs: 0, durationMs: memoryLoadMs, requestLimit: memoryGets },
      work: { kind: "get", layout: seededLayout, shape: seededShape, keyCount },
    });
    const list = await bench.runLoad(server, {
      bucket,
      connections: 8,
      ...{ warmupMs: 0, durationMs: memoryLoadMs, requestLimit: memoryPages },
      work: { kind: "list", layout: seededLayout, keyCount, pageSize: 1000, byFolder: false },
    });
    const none = { work: "", unit: "", wanted: { kind: "none" }, limit: "" } as const;
    const errorCount = rowOf(get, "all", none).errorCount + rowOf(list, "all", none).errorCount;
    return { bytes: processMemory(server.pid).anonymousBytes, errorCount };
  });
}
