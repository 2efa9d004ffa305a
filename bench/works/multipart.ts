import { type BenchContext, rowOf } from "../bench-context.ts";
import { type KeyLayout, type LoadWork, operationOf } from "../load/load-plan.ts";
import { makeBodies } from "../load/object-body.ts";
import { bodyOf } from "../load/signed-targets.ts";
import type { MeasuredServer } from "../measured-server.ts";
import type { ReportRow } from "../report.ts";

const bucket = "bench-multipart";
const partCount = 10_000;
const targetMs = 200;
const rounds = 3;
const shape = { sizeBytes: 1, variants: 8 };

/**
 * What a server needs to accept parts below 5 MiB, or undefined while it has no such setting.
 * Without it the completion answers EntityTooSmall, for 10,000 real parts are 50 GB.
 */
const smallPartsEnvironment: Readonly<Record<string, string>> | undefined = undefined;

/** An upload that only has to be completed. */
interface SeededMultipart {
  readonly key: string;
  readonly uploadId: string;
  /** Quoted, by part number from 1. */
  readonly etags: readonly string[];
}

/** CompleteMultipartUpload of 10,000 parts: the time of the one request that makes the object. */
export async function measureComplete(bench: BenchContext): Promise<ReportRow[]> {
  const work = `CompleteMultipartUpload, ${partCount.toLocaleString("en-US")} parts`;
  const wanted = { kind: "most", target: targetMs } as const;
  if (smallPartsEnvironment === undefined) {
    const notes = ["not measured: the server has no setting for parts below 5 MiB yet"];
    return [{ work, measured: 0, unit: "ms", wanted: { kind: "none" }, limit: "", errorCount: 0, notes }];
  }
  return bench.withServer({ environment: smallPartsEnvironment }, async (server) => {
    await server.createBucket(bucket);
    const times: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const upload = await seedMultipart(bench, server, `completed-${round}`);
      times.push(await complete(server, upload));
    }
    times.sort((left, right) => left - right);
    const measured = times[Math.floor(rounds / 2)] ?? 0;
    const p99Us = Math.round((times.at(-1) ?? 0) * 1000);
    return [
      {
        work,
        measured,
        unit: "ms",
        wanted,
        limit: "",
        p50Us: Math.round(measured * 1000),
        p99Us,
        errorCount: 0,
        notes: [],
      },
    ];
  });
}

/** Begins an upload and stores its 10,000 parts of one byte. @throws Error when the server refuses any of it */
async function seedMultipart(bench: BenchContext, server: MeasuredServer, key: string): Promise<SeededMultipart> {
  const response = await server.request("POST", { path: `/${bucket}/${key}`, query: "uploads=" });
  const text = await response.text();
  const uploadId = /<UploadId>([^<]+)<\/UploadId>/.exec(text)?.[1];
  if (uploadId === undefined)
    throw new Error(`CreateMultipartUpload answered ${response.status}: ${text.slice(0, 300)}`);
  const layout: KeyLayout = { kind: "parts", key, uploadId };
  const parts: LoadWork = { kind: "put", layout, shape, firstIndex: 0, keyCount: partCount, batchCount: partCount };
  const result = await bench.runLoad(server, {
    bucket,
    connections: 32,
    warmupMs: 0,
    durationMs: 600_000,
    work: parts,
  });
  if (operationOf(result, "UploadPart").count !== partCount) {
    const { measured } = rowOf(result, "all", { work: "", unit: "", wanted: { kind: "none" }, limit: "" });
    throw new Error(`Parts failed at ${Math.round(measured)}/s: ${result.errors.join("; ")}`);
  }
  const bodies = makeBodies(shape);
  return { key, uploadId, etags: Array.from({ length: partCount }, (_, index) => bodyOf(bodies, index).etag) };
}

/** @returns milliseconds from sending the request to the end of its answer */
async function complete(server: MeasuredServer, upload: SeededMultipart): Promise<number> {
  const parts = upload.etags.map(
    (etag, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${etag}</ETag></Part>`,
  );
  const body = `<CompleteMultipartUpload>${parts.join("")}</CompleteMultipartUpload>`;
  const query = `uploadId=${encodeURIComponent(upload.uploadId)}`;
  const startMs = performance.now();
  const response = await server.request("POST", { path: `/${bucket}/${upload.key}`, query, body });
  const text = await response.text();
  const elapsedMs = performance.now() - startMs;
  if (response.status !== 200 || !text.includes(`-${partCount}`)) {
    throw new Error(`CompleteMultipartUpload answered ${response.status}: ${text.slice(0, 300)}`);
  }
  const stored = await server.request("GET", { path: `/${bucket}/${upload.key}` });
  const bytes = new Uint8Array(await stored.arrayBuffer());
  const bodies = makeBodies(shape);
  const right = bytes.length === partCount && bytes.every((byte, index) => byte === bodyOf(bodies, index).pattern[0]);
  if (!right) throw new Error(`The completed object differs from its parts: ${bytes.length} bytes`);
  return elapsedMs;
}
