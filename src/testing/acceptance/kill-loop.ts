import { startServer } from "../server-process.ts";
import type { BucketClient } from "./bucket-client.ts";
import { absent, fingerprint, Ledger } from "./kill-loop-ledger.ts";
import { KillLoopWriter } from "./kill-loop-writer.ts";
import { clientOf, type S3Client } from "./s3-client.ts";
import { seededRandom } from "./test-data.ts";
import { readXmlElements, readXmlText } from "./xml-text.ts";

/** What a loop found. */
export interface KillLoopReport {
  /** Empty when every promise held. */
  readonly problems: readonly string[];
  /** Writes that were acknowledged before a kill. */
  readonly acknowledged: number;
}

/** How long and how hard to try. */
export interface KillLoopOptions {
  readonly rounds: number;
  readonly seed: number;
  /** Concurrent clients, each with keys of its own. */
  readonly writers: number;
}

/**
 * Lets clients write, kills the server with SIGKILL at seeded moments, starts it again, reads everything back, over and over.
 * Each fourth restart is killed as well, at a random moment of its recovery.
 */
export async function runKillLoop({ rounds, seed, writers: writerCount }: KillLoopOptions): Promise<KillLoopReport> {
  const random = seededRandom(seed);
  const server = await startServer();
  const s3 = clientOf(server);
  const ledger = new Ledger();
  const problems: string[] = [];
  try {
    const bucket = await s3.createBucket("kill-loop");
    const writers = Array.from({ length: writerCount }, (_, index) => {
      return new KillLoopWriter(bucket, ledger, { name: `writer-${index}`, random: seededRandom(seed * 1000 + index) });
    });
    for (let round = 0; round < rounds && problems.length === 0; round++) {
      const running = Promise.all(writers.map((writer) => writer.run(() => false)));
      await Bun.sleep(30 + random() * 500);
      await server.kill9();
      await running;
      s3.close();
      if (round % 4 === 3) {
        server.launch();
        await Bun.sleep(random() * 400);
        await server.kill9();
      }
      await server.start();
      const found = [...(await verify(s3, bucket, ledger)), ...writers.flatMap((writer) => writer.problems)];
      for (const writer of writers) await writer.finishCompletion();
      problems.push(
        ...[...found, ...writers.flatMap((writer) => writer.problems)].map((text) => `round ${round}: ${text}`),
      );
    }
    problems.push(...(await verify(s3, bucket, ledger)));
    s3.close();
    await server.stop();
    const check = await server.runVerb("check");
    if (check.code !== 0) problems.push(`check ended with ${check.code}: ${check.output}`);
    return { problems, acknowledged: ledger.acknowledged };
  } finally {
    s3.close();
    await server.remove();
  }
}

/** Reads every key and the listing; both must agree with the ledger and with each other. */
async function verify(s3: S3Client, bucket: BucketClient, ledger: Ledger): Promise<string[]> {
  const problems: string[] = [];
  const present = new Map<string, string>();
  const keys = ledger.keys().toSorted();
  const readers = Array.from({ length: 8 }, async (_, reader) => {
    for (let index = reader; index < keys.length; index += 8) {
      const key = keys[index] ?? "";
      const got = await bucket.get(key);
      if (got.status !== 200 && got.status !== 404) {
        problems.push(`GET ${key} answered ${got.status} ${got.code}`);
        continue;
      }
      const problem = ledger.settle(key, got.status === 200 ? fingerprint(got.body) : absent);
      if (problem !== "") problems.push(problem);
      if (got.status === 200) present.set(key, `${got.body.length} ${got.headers["etag"]}`);
    }
  });
  await Promise.all(readers);
  if (problems.length > 0) return problems;
  const listed = await listAll(bucket);
  if (JSON.stringify([...listed].toSorted()) !== JSON.stringify([...present].toSorted())) {
    problems.push(`the listing ${JSON.stringify([...listed])} is not what is there: ${JSON.stringify([...present])}`);
  }
  s3.close();
  return problems;
}

async function listAll(bucket: BucketClient): Promise<Map<string, string>> {
  const listed = new Map<string, string>();
  for (let token = ""; ; ) {
    const more = token === "" ? "" : `&continuation-token=${encodeURIComponent(token)}`;
    const { text } = await bucket.list(`list-type=2&max-keys=17${more}`);
    for (const inner of readXmlElements(text, "Contents")) {
      listed.set(readXmlText(inner, "Key") ?? "", `${readXmlText(inner, "Size")} ${readXmlText(inner, "ETag")}`);
    }
    token = readXmlText(text, "NextContinuationToken") ?? "";
    if (token === "") return listed;
  }
}
