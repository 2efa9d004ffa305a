import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemRandom } from "#kernel/base/random.ts";
import { createUlidMaker } from "#kernel/base/ulid.ts";
import type { KeyEntry } from "#kernel/protocol/identities.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import { testDataSettings } from "#testing/data-settings.ts";
import { entriesWith, policyOf } from "#testing/identities.ts";
import { administratorOf, makeKey } from "#testing/make-key.ts";
import { AccessKeyStore } from "../access-keys/access-key-store.ts";
import { AccessKeys } from "../access-keys/access-keys.ts";
import { ensureFirstAdministrator } from "../access-keys/first-administrator.ts";
import type { ControlDatabase, ControlQueries } from "../database/control-database.ts";
import { openControlDatabase } from "../database/open-control-database.ts";
import { SerialQueue } from "../database/serial-queue.ts";
import { Sealer } from "../encryption/seal.ts";
import { openIdentities } from "../iam/identities.ts";
import { identityLimits } from "../iam/identity-limits.ts";
import { readIdentities } from "../iam/read-identities.ts";
import { createLog } from "../observe/log.ts";
import { SnapshotPublisher } from "../snapshot/publisher.ts";
import type { BucketCatalogs } from "./bucket-catalogs.ts";
import { readBuckets } from "./bucket-store.ts";
import { Buckets } from "./buckets.ts";

const hourMs = 3_600_000;
const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** A catalog writer in memory: which folders exist, which are closed, which hold objects. */
class MemoryCatalogs implements BucketCatalogs {
  readonly folders = new Map<string, { closed: boolean; full: boolean }>();
  failure: Error | undefined;

  async create(bucketId: string): Promise<void> {
    if (this.failure) throw this.failure;
    if (!this.folders.has(bucketId)) this.folders.set(bucketId, { closed: false, full: false });
  }

  async close(bucketId: string): Promise<"closed" | "notEmpty"> {
    if (this.failure) throw this.failure;
    const folder = this.folders.get(bucketId);
    if (folder?.full) return "notEmpty";
    if (folder) folder.closed = true;
    return "closed";
  }

  async remove(bucketId: string): Promise<void> {
    if (this.failure) throw this.failure;
    this.folders.delete(bucketId);
  }
}

/** The machine stops at the n-th step: that step and everything after it fails. */
class Crash {
  #left: number;

  constructor(left: number) {
    this.#left = left;
  }

  step(): void {
    if (this.#left-- <= 0) throw new Error("The machine stopped");
  }

  get happened(): boolean {
    return this.#left < 0;
  }
}

function crashingDatabase(database: ControlDatabase, crash: Crash): ControlDatabase {
  const wrap = (queries: ControlQueries): ControlQueries => ({
    all: async (sql, parameters) => {
      crash.step();
      return queries.all(sql, parameters);
    },
    run: async (sql, parameters) => {
      crash.step();
      return queries.run(sql, parameters);
    },
  });
  return {
    ...wrap(database),
    transaction: (work) => database.transaction((queries) => work(wrap(queries))),
    probe: () => database.probe(),
    close: () => database.close(),
  };
}

function crashingCatalogs(catalogs: BucketCatalogs, crash: Crash): BucketCatalogs {
  return {
    create: async (id, tenantId) => {
      crash.step();
      await catalogs.create(id, tenantId);
      crash.step();
    },
    close: async (id) => {
      crash.step();
      const result = await catalogs.close(id);
      crash.step();
      return result;
    },
    remove: async (id) => {
      crash.step();
      await catalogs.remove(id);
    },
  };
}

async function open(folder = mkdtempSync(join(tmpdir(), "maxiofs-buckets-"))) {
  if (!folders.includes(folder)) folders.push(folder);
  const database = await openControlDatabase(folder);
  const time = { nowMs: 1_700_000_000_000 };
  const clock = { nowMs: () => time.nowMs++, monotonicMs: () => 0 };
  const store = new AccessKeyStore(new Sealer(new Uint8Array(32), systemRandom));
  await ensureFirstAdministrator({ database, store, given: undefined, clock, random: systemRandom });
  const publisher = new SnapshotPublisher({
    entries: {
      ...entriesWith(),
      ...(await readIdentities(database)),
      key: await store.readAll(database),
      bucket: (await readBuckets(database)).filter(({ state }) => state !== "creating").map(({ entry }) => entry),
    },
    settings: testDataSettings,
    endSilentWorker: () => Promise.resolve(),
  });
  const identityOptions = {
    ...{ database, publisher, clock, random: systemRandom, record: async () => {} },
    ...{ turns: new SerialQueue(), limits: identityLimits },
  };
  const identities = openIdentities(identityOptions, new AccessKeys(identityOptions, store, { find: () => undefined }));
  const log = createLog({ level: "error", format: "json", clock });
  const makeBuckets = (catalogs: BucketCatalogs, over = database) =>
    new Buckets({
      ...{ database: over, publisher, catalogs, clock, makeId: createUlidMaker(clock, systemRandom), log },
      record: async (queries, event) => {
        // As the audit does it: a statement of the same transaction.
        await queries.run("INSERT INTO audit_chains (chain, seq, hash) VALUES ($1, 1, $2)", [
          JSON.stringify([event.action, event.resource?.id]),
          event.actor.id,
        ]);
      },
    });
  const recorded = async () =>
    (await database.all("SELECT chain, hash FROM audit_chains")).map((row) => [
      ...JSON.parse(String(row["chain"])),
      row["hash"],
    ]);
  return { folder, database, time, publisher, identities, makeBuckets, recorded };
}

type RequestKey = Pick<KeyEntry, "tenantId" | "userId" | "accessKeyId">;

async function openWithBuckets() {
  const opened = await open();
  const catalogs = new MemoryCatalogs();
  const key = await makeKey(opened, { userName: "alice", policy: policyOf([]) });
  const request = (name: string, { tenantId, userId, accessKeyId }: RequestKey = key) =>
    ({
      kind: "createBucket",
      name,
      tenantId,
      region: "us-east-1",
      tags: [],
      origin: { accessKeyId, principalId: userId, principalName: "n", requestId: "r", address: "a", agent: "a" },
    }) as const;
  return { ...opened, catalogs, buckets: opened.makeBuckets(catalogs), request };
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return error instanceof S3Error ? error.code : String(error);
}

test("createBucket: stores, makes the catalog and publishes what the request says", async () => {
  const { buckets, catalogs, publisher, database, request } = await openWithBuckets();
  const entry = await buckets.createBucket({ ...request("photos"), region: "eu-1", tags: [["a", "b"]] });
  expect(entry).toMatchObject({ name: "photos", region: "eu-1", versioning: "never", tags: [["a", "b"]] });
  expect(entry.bucketId).toHaveLength(26);
  expect(publisher.buckets.get(entry.bucketId)).toMatchObject(entry);
  expect(catalogs.folders.has(entry.bucketId)).toBe(true);
  expect(await readBuckets(database)).toEqual([{ entry, state: "active" }]);
});

test("createBucket: a taken name is told apart by its owner", async () => {
  const opened = await openWithBuckets();
  const { buckets, request } = opened;
  await buckets.createBucket(request("photos"));
  const colleague = await makeKey(opened, { userName: "bob", policy: policyOf([]) });
  const stranger = await makeKey(opened, { userName: "eve", tenant: "other", policy: policyOf([]) });
  expect(await codeOf(buckets.createBucket(request("photos")))).toBe("BucketAlreadyOwnedByYou");
  expect(await codeOf(buckets.createBucket(request("photos", colleague)))).toBe("BucketAlreadyOwnedByYou");
  expect(await codeOf(buckets.createBucket(request("photos", stranger)))).toBe("BucketAlreadyExists");
  expect(await codeOf(buckets.createBucket(request("Photos")))).toBe("InvalidBucketName");
  expect(await codeOf(buckets.createBucket(request("other", { ...colleague, accessKeyId: "AKIANOBODY" })))).toBe(
    "InvalidAccessKeyId",
  );
  const actor = { caller: administratorOf(opened.publisher), tenantId: colleague.tenantId };
  await opened.identities.accessKeys.update({ ...actor, editsAllKeys: true }, colleague.accessKeyId, {
    enabled: false,
  });
  expect(await codeOf(buckets.createBucket(request("other", colleague)))).toBe("InvalidAccessKeyId");
});

test("createBucket: of many at once with one name exactly one wins", async () => {
  const { buckets, catalogs, request } = await openWithBuckets();
  const codes = await Promise.all(
    Array.from({ length: 20 }, () =>
      buckets.createBucket(request("photos")).then(
        () => "made",
        (error) => error.code,
      ),
    ),
  );
  expect(codes.filter((code) => code === "made")).toHaveLength(1);
  expect(catalogs.folders.size).toBe(1);
});

test("createBucket: 1,000 buckets per tenant", async () => {
  const opened = await openWithBuckets();
  const { buckets, database, request } = opened;
  const { tenantId } = await buckets.createBucket(request("bucket-0000"));
  await database.run(
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 998)
     INSERT INTO buckets (bucket_id, namespace, name, tenant_id, state, versioning, region, tags, created_at_ms)
     SELECT 'id' || i, 'main', 'filler-' || i, $1, 'active', 'never', 'r', '[]', 0 FROM n`,
    [tenantId],
  );
  await buckets.createBucket(request("bucket-0999"));
  expect(await codeOf(buckets.createBucket(request("bucket-1000")))).toBe("TooManyBuckets");
  const stranger = await makeKey(opened, { userName: "eve", tenant: "other", policy: policyOf([]) });
  await buckets.createBucket(request("bucket-1000", stranger));
});

test("createBucket: a failing catalog leaves the name free and the folder to be removed", async () => {
  const { buckets, catalogs, database, time, request } = await openWithBuckets();
  catalogs.failure = new S3Error("InsufficientStorage");
  expect(await codeOf(buckets.createBucket(request("photos")))).toBe("InsufficientStorage");
  catalogs.failure = undefined;
  expect(await readBuckets(database)).toEqual([]);
  await buckets.createBucket(request("photos"));
  time.nowMs += hourMs;
  expect(await buckets.removeDeleted()).toBe(1);
});

test("deleteBucket: an empty bucket goes, its folder an hour later", async () => {
  const { buckets, catalogs, publisher, time, request } = await openWithBuckets();
  const { bucketId } = await buckets.createBucket(request("photos"));
  await buckets.deleteBucket(bucketId);
  expect(publisher.buckets.size).toBe(0);
  expect(catalogs.folders.get(bucketId)).toMatchObject({ closed: true });
  expect(await codeOf(buckets.deleteBucket(bucketId))).toBe("NoSuchBucket");
  time.nowMs += hourMs - 1000;
  expect(await buckets.removeDeleted()).toBe(0);
  time.nowMs += 2000;
  expect(await buckets.removeDeleted()).toBe(1);
  expect(catalogs.folders.size).toBe(0);
});

test("removeDeleted: hundreds of folders go at once", async () => {
  const { buckets, catalogs, database, time } = await openWithBuckets();
  for (let i = 0; i < 300; i++)
    await database.run("INSERT INTO deleted_buckets (bucket_id, deleted_at_ms) VALUES ($1, $2)", [`gone-${i}`, 0]);
  time.nowMs = hourMs + 1;
  expect(await buckets.removeDeleted()).toBe(300);
  expect(catalogs.folders.size).toBe(0);
});

test("createBucket, deleteBucket: each is recorded once, with the user of the key, in the transaction that makes it true", async () => {
  const { buckets, catalogs, request, recorded } = await openWithBuckets();
  const { origin } = request("photos");
  const { bucketId } = await buckets.createBucket({ ...request("photos"), origin });
  const full = await buckets.createBucket({ ...request("full"), origin });
  catalogs.folders.set(full.bucketId, { closed: false, full: true });
  expect(await codeOf(buckets.deleteBucket(full.bucketId, origin))).toBe("BucketNotEmpty");
  await buckets.deleteBucket(bucketId, origin);
  expect(await recorded()).toEqual([
    ["s3:CreateBucket", bucketId, origin.principalId],
    ["s3:CreateBucket", full.bucketId, origin.principalId],
    ["s3:DeleteBucket", bucketId, origin.principalId],
  ]);
});

test("createBucket, deleteBucket: a call whose key was taken away while it waited changes nothing", async () => {
  const { buckets, catalogs, request } = await openWithBuckets();
  const { origin } = request("photos");
  const { bucketId } = await buckets.createBucket(request("photos"));
  const gone = { ...origin, accessKeyId: "AKIAGONE000000000000" };
  expect(await codeOf(buckets.createBucket({ ...request("other"), origin: gone }))).toBe("InvalidAccessKeyId");
  expect(await codeOf(buckets.deleteBucket(bucketId, gone))).toBe("InvalidAccessKeyId");
  expect([...catalogs.folders]).toEqual([[bucketId, { closed: false, full: false }]]);
});

test("deleteBucket: a bucket with objects stays as it was", async () => {
  const { buckets, catalogs, publisher, database, request } = await openWithBuckets();
  const entry = await buckets.createBucket(request("photos"));
  catalogs.folders.set(entry.bucketId, { closed: false, full: true });
  expect(await codeOf(buckets.deleteBucket(entry.bucketId))).toBe("BucketNotEmpty");
  expect(publisher.buckets.get(entry.bucketId)).toMatchObject(entry);
  expect(await readBuckets(database)).toEqual([{ entry, state: "active" }]);
});

test("deleteBucket: a failing writer can be asked again; a new bucket of the name is another one", async () => {
  const { buckets, catalogs, request } = await openWithBuckets();
  const first = await buckets.createBucket(request("photos"));
  catalogs.failure = new Error("disk");
  await expect(buckets.deleteBucket(first.bucketId)).rejects.toThrow("disk");
  catalogs.failure = undefined;
  await buckets.deleteBucket(first.bucketId);
  expect((await buckets.createBucket(request("photos"))).bucketId).not.toBe(first.bucketId);
});

test("recover: whatever step a crash hits, acknowledged buckets live and names and folders agree", async () => {
  for (let steps = 0; ; steps++) {
    const { folder, database, catalogs, makeBuckets, request } = await openWithBuckets();
    const kept = await makeBuckets(catalogs).createBucket(request("kept"));
    const crash = new Crash(steps);
    const crashing = makeBuckets(crashingCatalogs(catalogs, crash), crashingDatabase(database, crash));
    const made = await crashing.createBucket(request("photos")).catch(() => undefined);
    const deleted =
      made &&
      (await crashing.deleteBucket(made.bucketId).then(
        () => true,
        () => false,
      ));
    await database.close();

    const restarted = await open(folder);
    await restarted.makeBuckets(catalogs).recover();
    const stored = await readBuckets(restarted.database);
    expect(stored.every(({ state }) => state === "active")).toBe(true);
    const events = (await restarted.recorded()).map(([action, id]) => `${action} ${id}`);
    for (const { entry } of stored) {
      expect(events).toContain(`s3:CreateBucket ${entry.bucketId}`);
      expect(events).not.toContain(`s3:DeleteBucket ${entry.bucketId}`);
    }
    if (deleted) expect(events).toContain(`s3:DeleteBucket ${made.bucketId}`);
    const names = stored.map(({ entry }) => entry.name);
    expect(names).toContain("kept");
    if (deleted) expect(names).not.toContain("photos");
    for (const { entry } of stored) expect(catalogs.folders.get(entry.bucketId)?.closed).toBe(false);
    expect([...restarted.publisher.buckets.keys()].sort()).toEqual(stored.map(({ entry }) => entry.bucketId).sort());
    restarted.time.nowMs += 10 * hourMs;
    await restarted.makeBuckets(catalogs).removeDeleted();
    expect([...catalogs.folders.keys()].sort()).toEqual(stored.map(({ entry }) => entry.bucketId).sort());
    expect(restarted.publisher.buckets.get(kept.bucketId)).toMatchObject(kept);
    await restarted.database.close();
    if (!crash.happened) break;
  }
});
