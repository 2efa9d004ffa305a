import { type BenchContext, megabytesPerSecond, rowOf } from "../bench-context.ts";
import type { KeyLayout, ObjectShape } from "../load/load-plan.ts";
import { processMemory, resetPeak } from "../load/process-usage.ts";
import type { ReportRow } from "../report.ts";

const bucket = "bench-memory";
const layout: KeyLayout = { kind: "flat", prefix: "huge/" };
const mebibyte = 1024 * 1024;
const uploads = 64;
const downloads = 64;
/** Room left on the disk besides the uploads. */
const spareBytes = 4 * 1024 * mebibyte;
const settleMs = 2000;

/** Resident size of an idle server, and its peak while 64 uploads and 64 downloads run at once. */
export async function measureMemory(bench: BenchContext): Promise<ReportRow[]> {
  return bench.withServer({}, async (server) => {
    await Bun.sleep(settleMs);
    const idle = processMemory(server.pid).residentBytes;
    const rows = [memoryRow("RSS, idle", idle, 120)];
    const wantedBytes = (bench.options.short ? 16 : 1024) * mebibyte;
    const roomBytes = Math.floor((bench.freeBytes() - spareBytes) / (uploads + 1) / mebibyte) * mebibyte;
    const sizeBytes = Math.min(wantedBytes, Math.max(mebibyte, roomBytes));
    const shape: ObjectShape = { sizeBytes, variants: 1 };
    await server.createBucket(bucket);
    await bench.store(server, bucket, { layout, shape, keyCount: 1 });
    const peakIsFresh = resetPeak(server.pid);
    const result = await bench.runLoad(server, {
      bucket,
      connections: uploads + downloads,
      warmupMs: 0,
      durationMs: 3_600_000,
      work: { kind: "transfer", layout, shape, uploads },
    });
    const work = `RSS peak, ${uploads} PUT + ${downloads} GET of ${sizeBytes / mebibyte} MiB`;
    const peak = processMemory(server.pid).peakBytes;
    const notes = [
      ...result.errors,
      `${Math.round(megabytesPerSecond(result, "PutObject"))} MB/s up, ${Math.round(megabytesPerSecond(result, "GetObject"))} MB/s down over ${result.seconds.toFixed(1)} s`,
      ...(sizeBytes < wantedBytes ? ["smaller objects than wanted: not enough room on the disk"] : []),
      ...(peakIsFresh ? [] : ["peak since the server's start"]),
    ];
    const { measured, unit, wanted, limit } = memoryRow(work, peak, 400);
    rows.push({ ...rowOf(result, "all", { work, measured, unit, wanted, limit }), notes });
    return rows;
  });
}

/** A row about memory, in MiB. */
export function memoryRow(work: string, bytes: number, targetMebibytes: number): ReportRow {
  return {
    work,
    measured: bytes / mebibyte,
    unit: "MiB",
    wanted: { kind: "most", target: targetMebibytes },
    limit: "",
    errorCount: 0,
    notes: [],
  };
}
