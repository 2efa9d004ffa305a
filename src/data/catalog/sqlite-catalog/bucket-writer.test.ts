import { afterAll, expect, test } from "bun:test";
import fc from "fast-check";
import { type Mutation, type MutationResult, versionFlag } from "#kernel/protocol/mutation.ts";
import { fillDisk } from "#testing/full-disk.ts";
import { ScratchBucket } from "#testing/scratch-bucket.ts";
import { verifyCatalog } from "./verify-catalog.ts";

type Versioning = "never" | "enabled" | "suspended";

/** One version of the model, `id` as S3 shows it. */
interface ModelVersion {
  readonly id: string;
  readonly isMarker: boolean;
  readonly sizeBytes: number;
}

/** S3's rules of versioning, without time or bytes. Newest first. Source: AWS, "How S3 Versioning works". */
class BucketModel {
  versioning: Versioning = "never";
  readonly keys = new Map<string, ModelVersion[]>();

  versions(key: string): ModelVersion[] {
    return this.keys.get(key) ?? [];
  }

  add(key: string, version: ModelVersion): void {
    const kept =
      this.versioning === "enabled" ? this.versions(key) : this.versions(key).filter(({ id }) => id !== "null");
    this.keys.set(key, [version, ...kept]);
  }

  delete(key: string, id: string): void {
    if (this.versioning === "never") this.keys.delete(key);
    else this.add(key, { id, isMarker: true, sizeBytes: 0 });
  }

  deleteVersion(key: string, id: string): void {
    this.keys.set(
      key,
      this.versions(key).filter((each) => each.id !== id),
    );
  }

  counters(): { objects: number; versions: number; bytes: number } {
    const all = [...this.keys.values()];
    const plain = all.flat().filter(({ isMarker }) => !isMarker);
    const objects = all.filter(([newest]) => newest !== undefined && !newest.isMarker).length;
    return { objects, versions: plain.length, bytes: plain.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) };
  }
}

type Step =
  | { readonly kind: "put" | "putIfAbsent" | "delete"; readonly key: string; readonly sizeBytes: number }
  | { readonly kind: "deleteVersion"; readonly key: string; readonly index: number }
  | { readonly kind: "versioning"; readonly to: "enabled" | "suspended" };

const key = fc.constantFrom("a", "a/", "a/b", "ключ");
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constantFrom("put", "put", "delete", "putIfAbsent"), key, sizeBytes: fc.nat({ max: 40 }) }),
  fc.record({ kind: fc.constant("deleteVersion"), key, index: fc.integer({ min: -1, max: 3 }) }),
  fc.record({ kind: fc.constant("versioning"), to: fc.constantFrom("enabled", "suspended") }),
);

const scratches: ScratchBucket[] = [];
afterAll(() => {
  for (const scratch of scratches) scratch.remove();
});

function open(versioning = 0): ScratchBucket {
  const scratch = new ScratchBucket("bucket", versioning);
  scratches.push(scratch);
  return scratch;
}

/** Applies a step to both. */
function apply(scratch: ScratchBucket, model: BucketModel, done: Step): void {
  if (done.kind === "versioning") {
    model.versioning = done.to;
    scratch.writer.setVersioning(done.to === "enabled" ? 1 : 2);
    return;
  }
  const existing = model.versions(done.key);
  if (done.kind === "deleteVersion") {
    const id = existing[done.index]?.id ?? "00000000000000000000000000000000";
    expect(scratch.delete(done.key, id)).toMatchObject({
      ok: true,
      deleteMarker: existing[done.index]?.isMarker ?? false,
    });
    model.deleteVersion(done.key, id);
    return;
  }
  if (done.kind === "delete") {
    const result = scratch.delete(done.key);
    model.delete(done.key, idOf(result));
    return;
  }
  const conditions = done.kind === "putIfAbsent" ? { ifNoneMatch: { any: true as const } } : null;
  const before = dump(scratch);
  const result = scratch.putInline(done.key, new Uint8Array(done.sizeBytes), { conditions });
  const isRefused = conditions !== null && existing[0] !== undefined && !existing[0].isMarker;
  expect(result.ok).toBe(!isRefused);
  if (isRefused) expect(dump(scratch)).toBe(before);
  else model.add(done.key, { id: idOf(result), isMarker: false, sizeBytes: done.sizeBytes });
}

function idOf(result: MutationResult): string {
  if (!result.ok) throw new Error(result.code);
  return result.versionId ?? "null";
}

function compare(scratch: ScratchBucket, model: BucketModel): void {
  const rows = scratch.writer.database
    .query("SELECT key, flags, size_bytes, version_id FROM version ORDER BY key, hlc DESC")
    .values() as [string, number, number, string | null][];
  const stored = new Map<string, ModelVersion[]>();
  for (const [name, flags, sizeBytes, id] of rows) {
    const list = stored.get(name) ?? [];
    expect((flags & versionFlag.latest) !== 0).toBe(list.length === 0);
    expect((flags & versionFlag.nullVersion) !== 0).toBe(id === null);
    stored.set(name, [...list, { id: id ?? "null", isMarker: (flags & versionFlag.marker) !== 0, sizeBytes }]);
  }
  const wanted = [...model.keys].filter(([, versions]) => versions.length > 0);
  expect(stored).toEqual(new Map(wanted));
  expect(scratch.writer.counters).toEqual({ ...model.counters(), partBytes: 0 });
  for (const finding of verifyCatalog(scratch.writer.database))
    expect(finding).not.toMatchObject({ text: expect.anything() });
}

/** Everything that is stored, but for the log, which is cut with every transaction. */
function dump(scratch: ScratchBucket): string {
  const queries = [
    "SELECT * FROM bucket_state",
    "SELECT * FROM version",
    "SELECT * FROM closed_version",
    "SELECT * FROM detail",
    "SELECT * FROM extent",
    "SELECT * FROM extent_share",
    "SELECT * FROM upload",
    "SELECT * FROM part",
    "SELECT * FROM garbage_blob",
  ];
  return JSON.stringify(queries.map((query) => scratch.writer.database.query(query).values().map(String)));
}

test("BucketWriter: any sequence of puts, deletes and changes of versioning does what S3 does; counters equal a recount", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 25 }), (steps) => {
      const scratch = open();
      const model = new BucketModel();
      for (const each of steps) {
        apply(scratch, model, each);
        compare(scratch, model);
      }
      scratch.remove();
    }),
    { numRuns: 60 },
  );
}, 60_000);

test("BucketWriter: many mutations in one transaction end as one by one", () => {
  const one = open(1);
  const all = open(1);
  const mutations: Mutation[] = [];
  for (let i = 0; i < 30; i++) {
    const base = { bucketId: "bucket", key: `k${i % 4}`, requestId: "", principal: "" };
    if (i % 3 === 2) mutations.push({ ...base, kind: "delete", versionId: null, conditions: null });
    else mutations.push({ ...one.makePut(base.key, { version: 0, sealed: "" }), sizeBytes: i });
  }
  for (const mutation of mutations) one.commit(mutation);
  all.writer.commit(mutations.map((mutation) => ({ mutation, bytes: new Uint8Array() })));
  expect(all.writer.counters).toEqual(one.writer.counters);
  const list = (scratch: ScratchBucket) =>
    scratch.writer.database
      .query("SELECT key, flags, size_bytes, from_seq FROM version ORDER BY key, hlc DESC")
      .values();
  expect(list(all)).toEqual(list(one));
  expect(
    all.writer.database
      .query("SELECT seq FROM log ORDER BY seq")
      .values()
      .map(([seq]) => seq),
  ).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
});

test("BucketWriter: a transaction that fails stores nothing, puts the counters back, and the next one works", () => {
  const scratch = open(1);
  scratch.putInline("kept", new Uint8Array(5));
  const before = dump(scratch);
  const counters = scratch.writer.counters;
  const good: Mutation = { ...scratch.makePut("a", { version: 0, sealed: "" }), sizeBytes: 7 };
  const poisoned: Mutation = JSON.parse(JSON.stringify({ ...good, etag: null }));
  const pending = [good, poisoned].map((mutation) => ({ mutation, bytes: new Uint8Array() }));
  expect(() => scratch.writer.commit(pending)).toThrow("NOT NULL");
  expect(scratch.writer.counters).toEqual(counters);
  expect(dump(scratch)).toBe(before);
  expect(scratch.commit(good)).toMatchObject({ ok: true, seq: 2 });
  expect(scratch.writer.counters).toMatchObject({ objects: 2, bytes: 12 });
});

test("BucketWriter: a full disk stores nothing and is over when there is room again", () => {
  const scratch = open();
  const { database } = scratch.writer;
  fillDisk(database, 3)();
  const before = dump(scratch);
  expect(() => scratch.putInline("big", new Uint8Array(100_000))).toThrow("full");
  expect(dump(scratch)).toBe(before);
  expect(scratch.writer.counters).toEqual({ objects: 0, versions: 0, bytes: 0, partBytes: 0 });
  database.exec("PRAGMA max_page_count = 1000000");
  expect(scratch.putInline("big", new Uint8Array(100_000))).toMatchObject({ ok: true, seq: 1 });
});

test("BucketWriter: what was committed is there after the connection was closed, and its log is folded back", () => {
  const scratch = open(1);
  const first = scratch.putInline("a", new Uint8Array(3));
  scratch.commits.closeBucket("bucket");
  const again = scratch.putInline("a", new Uint8Array(4));
  expect([first.ok && first.seq, again.ok && again.seq]).toEqual([1, 2]);
  expect(first.ok && again.ok && again.hlc > first.hlc).toBe(true);
  expect(scratch.writer.counters).toEqual({ objects: 1, versions: 2, bytes: 7, partBytes: 0 });
});

test("BucketWriter: places in the order rise even when the clock stands still or goes back", () => {
  const scratch = open(1);
  let last = 0;
  for (let i = 0; i < 20; i++) {
    if (i % 5 === 4) scratch.clock.advance(-1_000);
    const result = scratch.putInline("a", new Uint8Array(1));
    const hlc = result.ok ? result.hlc : 0;
    expect(hlc).toBeGreaterThan(last);
    last = hlc;
  }
});
