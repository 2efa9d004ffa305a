import { readdirSync } from "node:fs";
import { join } from "node:path";
import { BucketWriter } from "#data/catalog/sqlite-catalog/bucket-writer.ts";
import { systemClock } from "#kernel/base/clock.ts";
import type { PutPartMutation } from "#kernel/protocol/mutation.ts";
import { type BenchContext, newCredentials } from "../bench-context.ts";
import type { MeasuredServer } from "../measured-server.ts";
import type { ReportRow } from "../report.ts";

const bucket = "bench-multipart";
const partCount = 10_000;
const partBytes = 5 * 2 ** 20;
const targetMs = 200;
const rounds = 3;
/** Part numbers whose bytes are compared after the completion. */
const comparedParts = [1, 2, 5_000, partCount];

/** An upload with one part that a client sent. */
interface BegunUpload {
  readonly key: string;
  readonly uploadId: string;
  /** Without quotes. */
  readonly etag: string;
}

/**
 * CompleteMultipartUpload of 10,000 parts of 5 MiB: the time of the one request that makes the object. Part 1 goes through
 * the S3 API; the others are rows that name the same blob, written while the server is down, for 50 GB would only warm the disk.
 */
export async function measureComplete(bench: BenchContext): Promise<ReportRow[]> {
  const dataFolder = join(bench.folder, "multipart");
  const settings = { dataFolder, ...newCredentials() };
  const part = new Uint8Array(partBytes).map((_, index) => (index * 31) ^ (index >> 8));
  const uploads = await bench.withServer(settings, async (server) => {
    await server.createBucket(bucket);
    const begun: BegunUpload[] = [];
    for (let round = 0; round < rounds; round += 1) begun.push(await beginUpload(server, `completed-${round}`, part));
    return begun;
  });
  for (const upload of uploads) repeatFirstPart(dataFolder, upload);
  const times = await bench.withServer(settings, async (server) => {
    const measured: number[] = [];
    for (const upload of uploads) measured.push(await complete(server, upload, part));
    return measured.toSorted((left, right) => left - right);
  });
  const measured = times[Math.floor(rounds / 2)] ?? 0;
  return [
    {
      work: `CompleteMultipartUpload, ${partCount.toLocaleString("en-US")} parts`,
      measured,
      unit: "ms",
      wanted: { kind: "most", target: targetMs },
      limit: "50 GB an object",
      p50Us: Math.round(measured * 1000),
      p99Us: Math.round((times.at(-1) ?? 0) * 1000),
      errorCount: 0,
      notes: [],
    },
  ];
}

/** @throws Error when the server refuses any of it */
async function beginUpload(server: MeasuredServer, key: string, part: Uint8Array<ArrayBuffer>): Promise<BegunUpload> {
  const path = `/${bucket}/${key}`;
  const text = await textOf(server.request("POST", { path, query: "uploads=" }));
  const uploadId = /<UploadId>([^<]+)<\/UploadId>/.exec(text)?.[1] ?? "";
  const query = `partNumber=1&uploadId=${encodeURIComponent(uploadId)}`;
  await textOf(server.request("PUT", { path, query, body: part }));
  return { key, uploadId, etag: Bun.MD5.hash(part, "hex") };
}

/** Gives parts 2 to 10,000 the blob of part 1, through the code that the catalog writer commits with. */
function repeatFirstPart(dataDir: string, { key, uploadId, etag }: BegunUpload): void {
  const [bucketId = ""] = readdirSync(join(dataDir, "buckets"));
  const writer = new BucketWriter({ dataDir, bucketId, clock: systemClock, minPartBytes: partBytes });
  const [first] = writer.statements.listParts.values(uploadId) as [number, string, number, string, string][];
  if (!first) throw new Error(`Part 1 of ${key} is missing`);
  const [, blobId, sizeBytes, , checksum] = first;
  const pending = Array.from({ length: partCount - 1 }, (_, index) => {
    const mutation: PutPartMutation = {
      ...{ kind: "putPart", bucketId, key, requestId: "", principal: "", uploadId, etag, checksum },
      partNumber: index + 2,
      blob: { blobId, sizeBytes },
    };
    return { mutation, bytes: new Uint8Array() };
  });
  const refused = writer.commit(pending).find(({ ok }) => !ok);
  writer.close();
  if (refused) throw new Error(`A part of ${key} was refused: ${JSON.stringify(refused)}`);
}

/** @returns milliseconds from sending the request to the end of its answer */
async function complete(server: MeasuredServer, upload: BegunUpload, part: Uint8Array): Promise<number> {
  const parts = Array.from(
    { length: partCount },
    (_, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>"${upload.etag}"</ETag></Part>`,
  );
  const body = `<CompleteMultipartUpload>${parts.join("")}</CompleteMultipartUpload>`;
  const path = `/${bucket}/${upload.key}`;
  const query = `uploadId=${encodeURIComponent(upload.uploadId)}`;
  const startMs = performance.now();
  const text = await textOf(server.request("POST", { path, query, body }));
  const elapsedMs = performance.now() - startMs;
  if (!text.includes(`-${partCount}`)) throw new Error(`CompleteMultipartUpload answered ${text.slice(0, 300)}`);
  for (const number of comparedParts) {
    const stored = await server.request("GET", { path, query: `partNumber=${number}` });
    if (!Buffer.from(await stored.arrayBuffer()).equals(part)) throw new Error(`Part ${number} differs`);
  }
  return elapsedMs;
}

async function textOf(answer: Promise<Response>): Promise<string> {
  const response = await answer;
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${response.url} answered ${response.status}: ${text.slice(0, 300)}`);
  return text;
}
