import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type BenchContext, type Credentials, newCredentials } from "../bench-context.ts";
import type { KeyLayout, ObjectShape } from "../load/load-plan.ts";
import type { MeasuredServer } from "../measured-server.ts";

/** Keys per folder in both buckets. */
export const keysPerFolder = 100;
/** Layout of both buckets. */
export const seededLayout: KeyLayout = { kind: "folders", keysPerFolder };
/** Bodies of both buckets. */
export const seededShape: ObjectShape = { sizeBytes: 16, variants: 16 };

/** A data folder with a bucket of very many keys and one of few. */
export interface SeededFolder extends Credentials {
  readonly dataFolder: string;
  readonly large: { readonly bucket: string; readonly keyCount: number };
  readonly small: { readonly bucket: string; readonly keyCount: number };
  /** PUT requests per second while it was filled; 0 when it was found filled. */
  readonly storedPerSecond: number;
}

const markerName = "bench-seed.json";
const known = new WeakMap<BenchContext, SeededFolder>();

/** The filled folder of this run: found in `--seed-dir`, or filled through the S3 API (about two minutes for 1,000,000 keys). */
export async function seededFolder(bench: BenchContext): Promise<SeededFolder> {
  const present = known.get(bench) ?? (await openSeededFolder(bench));
  known.set(bench, present);
  return present;
}

/** Runs `use` with a server on the filled folder. */
export async function withSeededServer<Value>(
  bench: BenchContext,
  use: (server: MeasuredServer, seeded: SeededFolder) => Promise<Value>,
): Promise<Value> {
  const seeded = await seededFolder(bench);
  const { dataFolder, accessKey, secretKey } = seeded;
  return bench.withServer({ dataFolder, accessKey, secretKey }, (server) => use(server, seeded));
}

async function openSeededFolder(bench: BenchContext): Promise<SeededFolder> {
  const { seedFolder, short } = bench.options;
  const folder = seedFolder === "" ? join(bench.folder, "seed") : resolve(seedFolder);
  const largeCount = short ? 20_000 : 1_000_000;
  const wanted: Omit<SeededFolder, keyof Credentials | "storedPerSecond"> = {
    dataFolder: join(folder, "data"),
    large: { bucket: "bench-many-keys", keyCount: largeCount },
    small: { bucket: "bench-few-keys", keyCount: Math.max(2000, largeCount / 100) },
  };
  const marker = join(folder, markerName);
  if (existsSync(marker)) {
    const found = parseMarker(readFileSync(marker, "utf8"));
    if (found.keyCount !== largeCount) throw new Error(`--seed-dir holds ${found.keyCount} keys, wanted ${largeCount}`);
    return { ...wanted, ...found, storedPerSecond: 0 };
  }
  // What was interrupted has keys that nobody knows.
  rmSync(wanted.dataFolder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const credentials = newCredentials();
  const startMs = performance.now();
  await bench.withServer({ dataFolder: wanted.dataFolder, ...credentials }, async (server) => {
    for (const { bucket, keyCount } of [wanted.small, wanted.large]) {
      await server.createBucket(bucket);
      await bench.store(server, bucket, { layout: seededLayout, shape: seededShape, keyCount });
    }
  });
  const storedPerSecond = (largeCount * 1000) / (performance.now() - startMs);
  writeFileSync(marker, JSON.stringify({ ...credentials, keyCount: largeCount }), { mode: 0o600 });
  return { ...wanted, ...credentials, storedPerSecond };
}

function parseMarker(text: string): Credentials & { readonly keyCount: number } {
  const value: unknown = JSON.parse(text);
  if (
    typeof value === "object" &&
    value !== null &&
    "accessKey" in value &&
    "secretKey" in value &&
    "keyCount" in value
  ) {
    const { accessKey, secretKey, keyCount } = value;
    if (typeof accessKey === "string" && typeof secretKey === "string" && typeof keyCount === "number") {
      return { accessKey, secretKey, keyCount };
    }
  }
  throw new Error(`${markerName} of --seed-dir is damaged: remove the folder`);
}
