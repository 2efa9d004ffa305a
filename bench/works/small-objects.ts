import { type BenchContext, rowOf } from "../bench-context.ts";
import { bareBodyBytes } from "../limits/bare-http.ts";
import type { KeyLayout, ObjectShape } from "../load/load-plan.ts";
import { benchCommand } from "../machine-limits.ts";
import type { ReportRow } from "../report.ts";

const bucket = "bench-small-objects";
const layout: KeyLayout = { kind: "flat", prefix: "object/" };
const fourKibibytes: ObjectShape = { sizeBytes: 4096, variants: 64 };
const keysWithoutEnd = 100_000_000;

/** PUT 4 KiB on one connection: what a lone durable write costs. */
export async function measurePutOne(bench: BenchContext): Promise<ReportRow[]> {
  bench.limits.sampleSqlite();
  return bench.withServer({}, async (server) => {
    await server.createBucket(bucket);
    const result = await bench.runLoad(server, {
      bucket,
      connections: 1,
      warmupMs: bench.warmupMs,
      work: { kind: "put", layout, shape: fourKibibytes, firstIndex: 0, keyCount: keysWithoutEnd, batchCount: 4096 },
    });
    const commitsPerSecond = bench.limits.sampleSqlite();
    const limit = `50 % of SQLite FULL ${Math.round(commitsPerSecond)}/s`;
    const wanted = { kind: "least", target: commitsPerSecond / 2 } as const;
    return [rowOf(result, "all", { work: "PUT 4 KiB, 1 connection", unit: "/s", wanted, limit })];
  });
}

/** PUT 4 KiB on 64 connections: many writes share one commit. */
export async function measurePutMany(bench: BenchContext): Promise<ReportRow[]> {
  const appends = Math.round(bench.limits.appendsPerSecond());
  return bench.withServer({}, async (server) => {
    await server.createBucket(bucket);
    const result = await bench.runLoad(server, {
      bucket,
      connections: 64,
      warmupMs: bench.warmupMs,
      work: { kind: "put", layout, shape: fourKibibytes, firstIndex: 0, keyCount: keysWithoutEnd, batchCount: 32_768 },
    });
    const limit = `group commit; bare append+fdatasync ${appends}/s`;
    const wanted = { kind: "least", target: 10_000 } as const;
    return [rowOf(result, "all", { work: "PUT 4 KiB, 64 connections", unit: "/s", wanted, limit })];
  });
}

/** GET 8 KiB on 64 connections, beside bare `node:http` under the same load. */
export async function measureGet(bench: BenchContext): Promise<ReportRow[]> {
  await sampleBareHttp(bench);
  const shape: ObjectShape = { sizeBytes: 8192, variants: 64 };
  const keyCount = 4096;
  return bench.withServer({}, async (server) => {
    await server.createBucket(bucket);
    await bench.store(server, bucket, { layout, shape, keyCount });
    const work = { kind: "get", layout, shape, keyCount } as const;
    const result = await bench.runLoad(server, { bucket, connections: 64, warmupMs: bench.warmupMs, work });
    const bare = await sampleBareHttp(bench);
    const limit = `35 % of bare node:http ${Math.round(bare)}/s`;
    const wanted = { kind: "least", target: bare * 0.35 } as const;
    return [rowOf(result, "all", { work: "GET 8 KiB, 64 connections", unit: "/s", wanted, limit })];
  });
}

/** 45 GET, 30 HEAD, 15 PUT, 10 DELETE of 4 KiB on 32 connections. */
export async function measureMixed(bench: BenchContext): Promise<ReportRow[]> {
  const slotCount = 16_384;
  const existingCount = 4096;
  return bench.withServer({}, async (server) => {
    await server.createBucket(bucket);
    await bench.store(server, bucket, { layout, shape: fourKibibytes, keyCount: existingCount });
    const weights = { get: 45, head: 30, put: 15, delete: 10 };
    const result = await bench.runLoad(server, {
      bucket,
      connections: 32,
      warmupMs: bench.warmupMs,
      work: { kind: "mixed", layout, shape: fourKibibytes, slotCount, existingCount, weights },
    });
    const wanted = { kind: "least", target: 12_000 } as const;
    const rows = [rowOf(result, "all", { work: "mixed 4 KiB, 32 connections", unit: "/s", wanted, limit: "" })];
    for (const operation of ["GetObject", "HeadObject", "PutObject", "DeleteObject"]) {
      const row = rowOf(result, operation, {
        work: `  of it ${operation}`,
        unit: "/s",
        wanted: { kind: "none" },
        limit: "",
      });
      rows.push({ ...row, errorCount: 0, notes: [] });
    }
    return rows;
  });
}

/** Adds a sample of bare `node:http` under the load of `measureGet`. @returns the mean of the samples, in requests per second */
async function sampleBareHttp(bench: BenchContext): Promise<number> {
  const child = Bun.spawn([...benchCommand(bench.root, "limits/bare-http.ts")], { stdout: "pipe", stderr: "inherit" });
  try {
    const reader = child.stdout.getReader();
    const first = await reader.read();
    reader.releaseLock();
    const port = Number(new TextDecoder().decode(first.value));
    const target = { host: "127.0.0.1", port, pid: child.pid, accessKey: "BARE", secretKey: "BARE" };
    const work = { kind: "get", layout, shape: { sizeBytes: bareBodyBytes, variants: 1 }, keyCount: 4096 } as const;
    const result = await bench.runLoad(target, { bucket, connections: 64, warmupMs: bench.warmupMs, work });
    const row = rowOf(result, "all", {
      work: "limit: bare node:http, GET 8 KiB",
      unit: "/s",
      wanted: { kind: "none" },
      limit: "same load and connections",
    });
    return bench.limits.add(row);
  } finally {
    child.kill("SIGKILL");
    await child.exited;
  }
}
