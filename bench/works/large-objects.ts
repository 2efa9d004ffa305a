import { type BenchContext, megabytesPerSecond, rowOf } from "../bench-context.ts";
import type { KeyLayout, ObjectShape } from "../load/load-plan.ts";
import type { ReportRow } from "../report.ts";

const bucket = "bench-large-objects";
const layout: KeyLayout = { kind: "flat", prefix: "large/" };
const shape: ObjectShape = { sizeBytes: 10 * 1024 * 1024, variants: 4 };
const connections = 8;
const storedCount = 64;
/** Bounds the disk used: 10 GB. */
const putLimit = 1000;

/** PUT and GET of 10 MiB on 8 connections, with one data worker and with two. */
export async function measureLargeObjects(bench: BenchContext): Promise<ReportRow[]> {
  const { limits, options } = bench;
  const perCore = 1 / (1 / limits.digestBytesPerSecond("md5") + 1 / limits.digestBytesPerSecond("sha256"));
  const { writeBytesPerSecond, readBytesPerSecond } = limits.sequential();
  const putLimitText = `MD5 + SHA-256 ${Math.round(perCore / 1e6)} MB/s a core, disk ${Math.round(writeBytesPerSecond / 1e6)}`;
  const getLimitText = `cached read ${Math.round(readBytesPerSecond / 1e6)} MB/s`;
  const rows: ReportRow[] = [];
  for (const workers of options.workers === 0 ? [1, 2] : [options.workers]) {
    await bench.withServer({ workers }, async (server) => {
      const label = `10 MiB, 8 connections, ${workers} worker${workers === 1 ? "" : "s"}`;
      await server.createBucket(bucket);
      const put = await bench.runLoad(server, {
        bucket,
        connections,
        work: { kind: "put", layout, shape, firstIndex: storedCount, keyCount: putLimit, batchCount: putLimit },
      });
      rows.push(
        rowOf(put, "all", {
          work: `PUT ${label}`,
          measured: megabytesPerSecond(put, "all"),
          unit: "MB/s",
          wanted: { kind: "least", target: 300 },
          limit: putLimitText,
        }),
      );
      await bench.store(server, bucket, { layout, shape, keyCount: storedCount });
      const get = await bench.runLoad(server, {
        bucket,
        connections,
        work: { kind: "get", layout, shape, keyCount: storedCount },
      });
      rows.push(
        rowOf(get, "all", {
          work: `GET ${label}`,
          measured: megabytesPerSecond(get, "all"),
          unit: "MB/s",
          wanted: { kind: "least", target: 900 },
          limit: getLimitText,
        }),
      );
    });
  }
  return rows;
}
