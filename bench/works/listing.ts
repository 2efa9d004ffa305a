import { type BenchContext, rowOf } from "../bench-context.ts";
import type { LoadResult } from "../load/load-plan.ts";
import type { MeasuredServer } from "../measured-server.ts";
import type { ReportRow } from "../report.ts";
import { keysPerFolder, type SeededFolder, seededLayout, withSeededServer } from "./seeded-folder.ts";

const connections = 8;
const flatPageSize = 1000;
const ratioTarget = 1.3;

/** ListObjectsV2 over very many and over few keys, flat and by folder: pages per second, and how the two compare. */
export async function measureListing(bench: BenchContext): Promise<ReportRow[]> {
  return withSeededServer(bench, async (server, seeded) => [
    ...(await compare(bench, server, { seeded, byFolder: false, pageSize: flatPageSize })),
    ...(await compare(bench, server, { seeded, byFolder: true, pageSize: folderPageSize(seeded) })),
  ]);
}

/** Both buckets fill a page, so that both pages cost the same answer. */
function folderPageSize(seeded: SeededFolder): number {
  return Math.min(flatPageSize, seeded.small.keyCount / keysPerFolder);
}

interface Listing {
  readonly seeded: SeededFolder;
  readonly byFolder: boolean;
  readonly pageSize: number;
}

async function compare(bench: BenchContext, server: MeasuredServer, listing: Listing): Promise<ReportRow[]> {
  const { seeded, byFolder, pageSize } = listing;
  const what = byFolder ? `delimiter, page ${pageSize}` : `page ${pageSize}`;
  const row = (result: LoadResult, keyCount: number, target: number): ReportRow =>
    rowOf(result, "all", {
      work: `LIST ${what}, ${keyCount.toLocaleString("en-US")} keys`,
      unit: "pages/s",
      wanted: target > 0 ? { kind: "least", target } : { kind: "none" },
      limit: byFolder ? `${keysPerFolder} keys a folder` : "",
    });
  const run = (bucket: string, keyCount: number): Promise<LoadResult> =>
    bench.runLoad(server, {
      bucket,
      connections,
      warmupMs: bench.warmupMs,
      work: { kind: "list", layout: seededLayout, keyCount, pageSize, byFolder },
    });
  const small = row(await run(seeded.small.bucket, seeded.small.keyCount), seeded.small.keyCount, 0);
  const large = row(await run(seeded.large.bucket, seeded.large.keyCount), seeded.large.keyCount, byFolder ? 0 : 500);
  const ratio: ReportRow = {
    work: `LIST ${what}: few keys / many keys`,
    measured: large.measured === 0 ? Number.POSITIVE_INFINITY : small.measured / large.measured,
    unit: "x",
    wanted: { kind: "most", target: ratioTarget },
    limit: byFolder ? "O(page), not O(keys)" : "",
    errorCount: 0,
    notes: [],
  };
  return [small, large, ratio];
}
