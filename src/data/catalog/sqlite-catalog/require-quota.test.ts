import { afterAll, expect, test } from "bun:test";
import fc from "fast-check";
import type { Mutation } from "#kernel/protocol/mutation.ts";
import type { MutationQuota, Usage } from "#kernel/protocol/quota.ts";
import { ScratchBucket } from "#testing/scratch-bucket.ts";
import { createCatalog } from "./open-catalog.ts";
import { readUsage } from "./read-usage.ts";

const quota = {
  tenantId: "tenant",
  tenant: { maxBytes: 150, maxObjects: 4 },
  bucket: { maxBytes: 90, maxObjects: 3 },
} satisfies MutationQuota;

const kinds = ["put", "put", "put", "delete", "deleteVersion", "create", "part", "part", "complete", "abort"] as const;
const step = fc.record({
  kind: fc.constantFrom(...kinds, "enable", "suspend", "reopen"),
  bucketId: fc.constantFrom("bucket", "second"),
  key: fc.constantFrom("a", "b", "c", "d"),
  size: fc.nat({ max: 40 }),
  index: fc.nat({ max: 2 }),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

interface ModelVersion {
  readonly id: string;
  readonly isMarker: boolean;
  readonly size: number;
}

/** A bucket by S3's rules: versions newest first, one open upload per key at most. */
interface ModelBucket {
  readonly versioning: number;
  readonly keys: Readonly<Record<string, readonly ModelVersion[]>>;
  readonly uploads: Readonly<Record<string, { readonly id: string; readonly parts: Readonly<Record<number, number>> }>>;
}

function usageOf({ keys, uploads }: ModelBucket): Usage {
  const sizes = Object.values(keys).flatMap((versions) => versions.map(({ size }) => size));
  const partSizes = Object.values(uploads).flatMap(({ parts }) => Object.values(parts));
  const objects = Object.values(keys).filter(([newest]) => newest && !newest.isMarker).length;
  return { bytes: sum(sizes) + sum(partSizes), objects };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

function withVersion(bucket: ModelBucket, key: string, added: ModelVersion): ModelBucket {
  const versions = bucket.keys[key] ?? [];
  const kept = bucket.versioning === 1 ? versions : versions.filter(({ id }) => id !== "null");
  return { ...bucket, keys: { ...bucket.keys, [key]: [added, ...kept] } };
}

function withoutUpload(bucket: ModelBucket, key: string): ModelBucket {
  const { [key]: _, ...uploads } = bucket.uploads;
  return { ...bucket, uploads };
}

/** What a bucket is after a step that made the version `id`; the same bucket when the step has nothing to work on. */
function after(bucket: ModelBucket, { kind, key, size, index }: Step, id: string): ModelBucket {
  const upload = bucket.uploads[key];
  const versions = bucket.keys[key] ?? [];
  switch (kind) {
    case "put":
      return withVersion(bucket, key, { id, isMarker: false, size });
    case "delete":
      if (bucket.versioning === 0) return { ...bucket, keys: { ...bucket.keys, [key]: [] } };
      return withVersion(bucket, key, { id, isMarker: true, size: 0 });
    case "deleteVersion":
      return { ...bucket, keys: { ...bucket.keys, [key]: versions.filter((_, at) => at !== index) } };
    case "create":
      return upload ? bucket : { ...bucket, uploads: { ...bucket.uploads, [key]: { id, parts: {} } } };
    case "part": {
      if (!upload) return bucket;
      const parts = { ...upload.parts, [index + 1]: size };
      return { ...bucket, uploads: { ...bucket.uploads, [key]: { ...upload, parts } } };
    }
    case "complete": {
      const [first] = Object.values(upload?.parts ?? {});
      if (first === undefined) return bucket;
      return withVersion(withoutUpload(bucket, key), key, { id, isMarker: false, size: first });
    }
    case "abort":
      return withoutUpload(bucket, key);
    default:
      return { ...bucket, versioning: kind === "enable" ? 1 : 2 };
  }
}

let made = 0;

/** The mutation of a step; undefined when it is none. A completion lists the first part only. */
function toMutation(
  scratch: ScratchBucket,
  bucket: ModelBucket,
  { kind, bucketId, key, size, index }: Step,
): Mutation | undefined {
  const put = { ...scratch.makePut(key, { version: 0, sealed: "" }), bucketId, quota };
  const { requestId, principal, meta, etag, flags } = put;
  const base = { bucketId, key, requestId, principal, quota };
  const upload = bucket.uploads[key];
  const uploadId = upload?.id ?? "";
  made += 1;
  const unique = made.toString(16).padStart(32, "0");
  switch (kind) {
    case "put":
      return { ...put, sizeBytes: size };
    case "delete":
      return { ...base, kind: "delete", versionId: null, conditions: null };
    case "deleteVersion": {
      const versionId = bucket.keys[key]?.[index]?.id;
      return versionId === undefined ? undefined : { ...base, kind: "delete", versionId, conditions: null };
    }
    case "create":
      return upload ? undefined : { ...base, kind: "createUpload", uploadId: unique, meta };
    case "part": {
      const blob = { blobId: unique, sizeBytes: size };
      return upload && { ...base, kind: "putPart", uploadId, partNumber: index + 1, blob, etag, checksum: null };
    }
    case "complete": {
      const [first] = Object.entries(upload?.parts ?? {});
      if (!first) return undefined;
      const parts = [{ partNumber: Number(first[0]), etag, checksum: null }];
      const rest = { fingerprint: "f", sizeBytes: first[1], etag, flags, meta, attributes: null, conditions: null };
      return { ...base, kind: "completeUpload", uploadId, parts, ...rest };
    }
    case "abort":
      return upload && { ...base, kind: "abortUpload", uploadId, ifInitiatedMs: null };
    default:
      return undefined;
  }
}

const scratches: ScratchBucket[] = [];
afterAll(() => {
  for (const scratch of scratches) scratch.remove();
});

function open(): ScratchBucket {
  const scratch = new ScratchBucket("bucket");
  scratches.push(scratch);
  createCatalog(scratch.dataDir, "second");
  for (const bucketId of ["bucket", "second"]) scratch.usage.own(bucketId, "tenant");
  return scratch;
}

function commit(scratch: ScratchBucket, mutation: Mutation) {
  const [result] = scratch.commits.writerOf(mutation.bucketId).commit([{ mutation, bytes: new Uint8Array() }]);
  if (!result) throw new Error("No result");
  return result;
}

function growthOf(before: Usage, later: Usage): Usage {
  return { bytes: later.bytes - before.bytes, objects: later.objects - before.objects };
}

function fits(bound: { maxBytes: number; maxObjects: number }, later: Usage, growth: Usage): boolean {
  return (
    (growth.bytes <= 0 || later.bytes <= bound.maxBytes) && (growth.objects <= 0 || later.objects <= bound.maxObjects)
  );
}

const empty: ModelBucket = { versioning: 0, keys: {}, uploads: {} };

/** Applies a step to both. @returns whether it was refused */
function apply(scratch: ScratchBucket, model: Map<string, ModelBucket>, done: Step): boolean {
  const { kind, bucketId } = done;
  const bucket = model.get(bucketId) ?? empty;
  if (kind === "reopen") {
    scratch.commits.closeBucket(bucketId);
    return false;
  }
  if (kind === "enable" || kind === "suspend") {
    scratch.commits.writerOf(bucketId).setVersioning(kind === "enable" ? 1 : 2);
    model.set(bucketId, after(bucket, done, ""));
    return false;
  }
  const mutation = toMutation(scratch, bucket, done);
  if (!mutation) return false;
  const later = usageOf(after(bucket, done, "new"));
  const growth = growthOf(usageOf(bucket), later);
  const others = usageOf(model.get(bucketId === "bucket" ? "second" : "bucket") ?? empty);
  const ofTenant = { bytes: later.bytes + others.bytes, objects: later.objects + others.objects };
  const isBounded = kind === "put" || kind === "part" || kind === "complete";
  const mayPass = !isBounded || (fits(quota.bucket, later, growth) && fits(quota.tenant, ofTenant, growth));
  const result = commit(scratch, mutation);
  expect(result).toMatchObject(mayPass ? { ok: true } : { ok: false, code: "QuotaExceeded" });
  if (!result.ok) return true;
  const id = mutation.kind === "createUpload" ? mutation.uploadId : (result.versionId ?? "null");
  model.set(bucketId, after(bucket, done, id));
  return false;
}

test("requireQuota: any sequence of operations in two buckets is refused exactly where a bound would be passed; sums equal a recount", () => {
  let refusedCount = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 60, size: "max" }), (steps) => {
      const scratch = open();
      const model = new Map<string, ModelBucket>();
      for (const each of steps) {
        if (apply(scratch, model, each)) refusedCount += 1;
        for (const bucketId of ["bucket", "second"]) {
          const wanted = usageOf(model.get(bucketId) ?? empty);
          expect(scratch.usage.find(bucketId)).toEqual(wanted);
          expect(readUsage(scratch.dataDir, bucketId)).toEqual(wanted);
        }
        expect(scratch.usage.ofOthers("tenant", "bucket")).toEqual(usageOf(model.get("second") ?? empty));
      }
      scratch.remove();
    }),
    { numRuns: 80 },
  );
  expect(refusedCount).toBeGreaterThan(50);
}, 60_000);

test("requireQuota: within one transaction each mutation counts", () => {
  const scratch = open();
  const put = (key: string) => ({
    mutation: {
      ...scratch.makePut(key, { version: 0, sealed: "" }),
      sizeBytes: 10,
      quota: { tenantId: "t", bucket: { maxBytes: 35 } },
    },
    bytes: new Uint8Array(),
  });
  const results = scratch.writer.commit(["a", "b", "c", "d", "a", "e"].map(put));
  expect(results.map((result) => result.ok || result.code)).toEqual([
    true,
    true,
    true,
    "QuotaExceeded",
    true,
    "QuotaExceeded",
  ]);
  expect(scratch.writer.usage).toEqual({ bytes: 30, objects: 3 });
});

test("requireQuota: a refused put stores nothing, and says whose bound it was", () => {
  const scratch = open();
  const before = scratch.writer.counters;
  const put = { ...scratch.makePut("a", { version: 0, sealed: "" }), sizeBytes: 10 };
  const refused = { ok: false, code: "QuotaExceeded" };
  expect(commit(scratch, { ...put, quota: { tenantId: "t", bucket: { maxBytes: 9 } } })).toMatchObject({
    ...refused,
    message: "The quota of the bucket would be exceeded: too many bytes",
  });
  expect(commit(scratch, { ...put, quota: { tenantId: "t", tenant: { maxObjects: 0 } } })).toMatchObject({
    ...refused,
    message: "The quota of the tenant would be exceeded: too many objects",
  });
  expect(scratch.writer.counters).toEqual(before);
  expect(scratch.writer.database.query("SELECT count(*) FROM detail").values()).toEqual([[0]]);
});
