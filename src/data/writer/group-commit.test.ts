import { afterAll, expect, test } from "bun:test";
import { statSync } from "node:fs";
import { join } from "node:path";
import type { Mutation, MutationResult } from "#kernel/protocol/mutation.ts";
import { FakeClock } from "#testing/fake-clock.ts";
import { fillDisk } from "#testing/full-disk.ts";
import { ScratchBucket } from "#testing/scratch-bucket.ts";
import { ChangeSlots, createChangeTable } from "../cache/change-slots.ts";
import { createCatalog } from "../catalog/sqlite-catalog/open-catalog.ts";
import { GroupCommit } from "./group-commit.ts";

const scratches: ScratchBucket[] = [];
afterAll(() => {
  for (const scratch of scratches) scratch.remove();
});

function open(): ScratchBucket {
  const scratch = new ScratchBucket();
  scratches.push(scratch);
  return scratch;
}

function makePut(scratch: ScratchBucket, key: string, change: Partial<Mutation> = {}): Mutation {
  return JSON.parse(JSON.stringify({ ...scratch.makePut(key, { version: 0, sealed: "" }), ...change }));
}

/** Adds a batch; its answer comes with `run`. */
function add(commits: GroupCommit, mutations: readonly Mutation[], bytes = new Uint8Array()): MutationResult[][] {
  const answers: MutationResult[][] = [];
  commits.add({ mutations, bytes, answer: (results) => answers.push([...results]) });
  return answers;
}

test("GroupCommit: batches of several senders and buckets share transactions, each sender gets its own answers in order", () => {
  const scratch = open();
  const { commits, dataDir } = scratch;
  createCatalog(dataDir, "second");
  const one = add(commits, [
    makePut(scratch, "a"),
    makePut(scratch, "b", { bucketId: "second" }),
    makePut(scratch, "c"),
  ]);
  const two = add(commits, [makePut(scratch, "d")]);
  expect([commits.busy, one.length, two.length]).toEqual([true, 0, 0]);
  commits.run();
  expect([commits.busy, one.length, two.length]).toEqual([false, 1, 1]);
  expect(one[0]?.map((result) => result.ok && result.seq)).toEqual([1, 1, 2]);
  expect(two[0]?.map((result) => result.ok && result.seq)).toEqual([3]);
});

test("GroupCommit: an empty batch is answered at once", () => {
  expect(add(open().commits, [])).toEqual([[]]);
});

test("GroupCommit: a mutation that cannot be stored does not fail the others of its transaction", () => {
  const scratch = open();
  const before = add(scratch.commits, [makePut(scratch, "a")]);
  const poisoned = add(scratch.commits, [makePut(scratch, "b", { meta: null } as object)]);
  const after = add(scratch.commits, [makePut(scratch, "c")]);
  scratch.commits.run();
  expect([before[0]?.[0]?.ok, poisoned[0]?.[0], after[0]?.[0]?.ok]).toEqual([
    true,
    { ok: false, code: "InternalError" },
    true,
  ]);
  expect(scratch.writer.counters).toMatchObject({ objects: 2, versions: 2 });
  expect(scratch.warnings).toEqual(["Commit failed", "Commit failed"]);
  expect(scratch.warningFields.map(({ mutations, requestId }) => [mutations, requestId])).toEqual([
    [3, "TEST,TEST,TEST"],
    [1, "TEST"],
  ]);
});

test("GroupCommit: a bucket without catalog fails alone", () => {
  const scratch = open();
  const answers = add(scratch.commits, [makePut(scratch, "a"), makePut(scratch, "b", { bucketId: "none" })]);
  scratch.commits.run();
  expect(answers[0]?.map((result) => (result.ok ? "ok" : result.code))).toEqual(["ok", "ServiceUnavailable"]);
});

function makeDelete(key: string): Mutation {
  return { kind: "delete", bucketId: "bucket", key, versionId: null, conditions: null, requestId: "", principal: "" };
}

/** A bucket with 40 keys on a disk so full that their history has no room, and what was asked of the reserve. */
function openFull(): {
  scratch: ScratchBucket;
  keys: readonly string[];
  asked: () => number;
  giveUpReserve: () => void;
} {
  const scratch = open();
  // Long keys: what a delete adds (history, log) is more than the pages it has half used.
  const keys = Array.from({ length: 40 }, (_, i) => `${"k".repeat(500)}${i}`);
  for (const key of keys) scratch.putInline(key, new Uint8Array(10));
  const giveUpReserve = fillDisk(scratch.writer.database, 100);
  let askedCount = 0;
  scratch.giveUpBallast = () => {
    askedCount += 1;
    return false;
  };
  return { scratch, keys, asked: () => askedCount, giveUpReserve };
}

function codesOf(results: readonly MutationResult[] | undefined): Set<string> {
  return new Set(results?.map((result) => (result.ok ? "ok" : result.code)));
}

test("GroupCommit: on a full disk puts fail, and deletes succeed once the reserve was given up", () => {
  const { scratch, keys, giveUpReserve } = openFull();
  let givenCount = 0;
  scratch.giveUpBallast = () => {
    givenCount += 1;
    giveUpReserve();
    return true;
  };
  const puts = Array.from({ length: 40 }, (_, i) => makePut(scratch, `p${i}`, { meta: "x".repeat(1_000) } as object));
  const answers = add(scratch.commits, [...puts, ...keys.map(makeDelete)]);
  scratch.commits.run();
  expect(codesOf(answers[0]?.slice(0, 40))).toEqual(new Set(["InsufficientStorage"]));
  expect(codesOf(answers[0]?.slice(40))).toEqual(new Set(["ok"]));
  expect(givenCount).toBe(1);
  expect(scratch.writer.counters).toMatchObject({ objects: 0, versions: 0 });
});

test("GroupCommit: on a full disk without a reserve deletes fail too, and remove nothing", () => {
  const { scratch, keys, asked } = openFull();
  const answers = add(scratch.commits, keys.map(makeDelete));
  scratch.commits.run();
  expect(codesOf(answers[0])).toEqual(new Set(["InsufficientStorage"]));
  expect(asked()).toBe(1);
  expect(scratch.writer.counters).toMatchObject({ objects: 40, versions: 40 });
});

test("GroupCommit: a transaction has at most 16 MiB of inline bytes and 1,024 mutations", () => {
  const scratch = open();
  const { dataDir } = scratch;
  const commitSizes: number[] = [];
  const changes = new ChangeSlots(createChangeTable());
  const observe = ({ mutationCount }: { mutationCount: number }) => commitSizes.push(mutationCount);
  const commits = new GroupCommit({
    dataDir,
    clock: new FakeClock(),
    minPartBytes: 1,
    changes,
    observe,
    warn: () => {},
    problems: scratch.problemSink,
    giveUpBallast: () => false,
    usage: scratch.usage,
  });
  const bytes = new Uint8Array(2 ** 20);
  const inline = (length: number) => makePut(scratch, "k", { bytes: { kind: "inline", slice: [0, length] } } as object);
  add(
    commits,
    Array.from({ length: 33 }, () => inline(2 ** 20)),
    bytes,
  );
  commits.run();
  expect(commitSizes.splice(0)).toEqual([16, 16, 1]);
  add(
    commits,
    Array.from({ length: 2_049 }, () => inline(1)),
    bytes,
  );
  commits.run();
  expect(commitSizes.splice(0)).toEqual([1_024, 1_024, 1]);
  add(commits, [inline(1)], bytes);
  commits.run();
  expect(commitSizes).toEqual([1]);
  commits.close();
});

test("GroupCommit: a log that grows faster than mutations are counted is folded back and cut", () => {
  const scratch = open();
  const { dataDir, commits } = scratch;
  const logBytes = () => statSync(join(dataDir, "buckets/bucket/index.db-wal")).size;
  const large = () => makePut(scratch, "k", { meta: "x".repeat(2 ** 22) } as object);
  const sizes: number[] = [];
  for (let i = 0; i < 40; i++) {
    add(commits, [large()]);
    commits.run();
    sizes.push(logBytes() / 2 ** 20);
  }
  expect(Math.max(...sizes)).toBeGreaterThan(127);
  expect(Math.max(...sizes)).toBeLessThan(140);
  expect(sizes.at(-1)).toBeLessThan(66);
}, 30_000);

test("GroupCommit: readers see the counters of changed keys odd during a commit and even afterwards, also when it fails", () => {
  const scratch = open();
  const changes = new ChangeSlots(createChangeTable());
  const slot = ChangeSlots.slotOf("bucket", "a");
  const seen: number[] = [];
  const { dataDir, clock } = scratch;
  const commits = new GroupCommit({
    dataDir,
    clock,
    minPartBytes: 1,
    changes,
    observe: () => {},
    warn: () => seen.push(changes.read(slot)),
    problems: scratch.problemSink,
    giveUpBallast: () => false,
    usage: scratch.usage,
  });
  add(commits, [makePut(scratch, "a", { meta: null } as object)]);
  commits.run();
  expect([seen, changes.read(slot)]).toEqual([[1], 2]);
  add(commits, [makePut(scratch, "a")]);
  commits.run();
  expect(changes.read(slot)).toBe(4);
  commits.close();
});

test("GroupCommit: more buckets than connections are served; closed ones are opened again", () => {
  const scratch = open();
  const ids = Array.from({ length: 260 }, (_, i) => `b${i}`);
  for (const bucketId of ids) createCatalog(scratch.dataDir, bucketId);
  for (let round = 1; round <= 2; round++) {
    const answers = add(
      scratch.commits,
      ids.map((bucketId) => makePut(scratch, "k", { bucketId })),
    );
    scratch.commits.run();
    expect(new Set(answers[0]?.map((result) => result.ok && result.seq))).toEqual(new Set([round]));
  }
});
