import type { BucketQuota } from "#kernel/protocol/identities.ts";
import type { BucketEntry } from "#kernel/protocol/snapshot.ts";
import type { ControlQueries, SqlRow } from "../database/control-database.ts";
import { readInteger, readJson, readText } from "../database/row-values.ts";
import { readLimits } from "../iam/read-identities.ts";

/** Where a bucket is in its life; a crash leaves it in the first or last, and the next start goes on from there. */
export type BucketState = "creating" | "active" | "deleting";

/** A row of the table with what it takes from its tenant. */
export interface StoredBucket {
  readonly entry: BucketEntry;
  readonly state: BucketState;
}

/** A deleted bucket whose folder still exists. */
export interface DeletedBucket {
  readonly bucketId: string;
  readonly deletedAtMs: number;
}

/** The namespace that all tenants share. */
const namespace = "main";

const COLUMNS = `b.bucket_id, b.name, b.tenant_id, b.state, b.versioning, b.region, b.tags, b.created_at_ms, b.quota,
  t.account_id, t.canonical_id, t.display_name`;
const JOINED = "buckets b JOIN tenants t ON t.tenant_id = b.tenant_id";

/** Every bucket, by id. */
export async function readBuckets(queries: Pick<ControlQueries, "all">): Promise<readonly StoredBucket[]> {
  return (await queries.all(`SELECT ${COLUMNS} FROM ${JOINED} ORDER BY b.bucket_id`)).map(readBucket);
}

/** The buckets that are neither fully made nor fully deleted. */
export async function readUnfinishedBuckets(queries: ControlQueries): Promise<readonly StoredBucket[]> {
  const sql = `SELECT ${COLUMNS} FROM ${JOINED} WHERE b.state <> 'active' ORDER BY b.bucket_id`;
  return (await queries.all(sql)).map(readBucket);
}

/** The bucket of a name in the namespace `main`, whatever its state. */
export async function findBucketByName(queries: ControlQueries, name: string): Promise<StoredBucket | undefined> {
  const sql = `SELECT ${COLUMNS} FROM ${JOINED} WHERE b.namespace = $1 AND b.name = $2`;
  const [row] = await queries.all(sql, [namespace, name]);
  return row && readBucket(row);
}

/** How many buckets a tenant has, unfinished ones included. */
export async function countBuckets(queries: ControlQueries, tenantId: string): Promise<number> {
  const [row] = await queries.all("SELECT count(*) AS bucket_count FROM buckets WHERE tenant_id = $1", [tenantId]);
  return row === undefined ? 0 : readInteger(row, "bucket_count");
}

/** Stores a bucket in state `creating`. */
export async function insertBucket(queries: ControlQueries, entry: BucketEntry): Promise<void> {
  await queries.run(
    `INSERT INTO buckets (bucket_id, namespace, name, tenant_id, state, versioning, region, tags, created_at_ms)
     VALUES ($1, $2, $3, $4, 'creating', $5, $6, $7, $8)`,
    [
      entry.bucketId,
      namespace,
      entry.name,
      entry.tenantId,
      entry.versioning,
      entry.region,
      JSON.stringify(entry.tags),
      entry.createdAtMs,
    ],
  );
}

/** How often the configuration of a bucket was changed, and once more; 0 when there is no such bucket. */
export async function readBucketRevision(queries: Pick<ControlQueries, "all">, bucketId: string): Promise<number> {
  const [row] = await queries.all("SELECT revision FROM buckets WHERE bucket_id = $1", [bucketId]);
  return row === undefined ? 0 : readInteger(row, "revision");
}

/** Sets a bucket's quota; its revision moves on. */
export async function setBucketQuota(queries: ControlQueries, bucketId: string, quota: BucketQuota): Promise<void> {
  const sql = "UPDATE buckets SET quota = $1, revision = revision + 1 WHERE bucket_id = $2";
  await queries.run(sql, [JSON.stringify(quota), bucketId]);
}

/** Moves a bucket to another state. */
export async function setBucketState(queries: ControlQueries, bucketId: string, state: BucketState): Promise<void> {
  await queries.run("UPDATE buckets SET state = $1 WHERE bucket_id = $2", [state, bucketId]);
}

/** Takes a bucket's name and configuration away and remembers its folder. Both or none: call it in a transaction. */
export async function moveToDeleted(queries: ControlQueries, bucket: DeletedBucket): Promise<void> {
  await queries.run("DELETE FROM buckets WHERE bucket_id = $1", [bucket.bucketId]);
  await queries.run("INSERT INTO deleted_buckets (bucket_id, deleted_at_ms) VALUES ($1, $2)", [
    bucket.bucketId,
    bucket.deletedAtMs,
  ]);
}

/** Deleted buckets whose time is `untilMs` or before, oldest first, `limit` at most. */
export async function listDeleted(queries: ControlQueries, untilMs: number, limit: number): Promise<readonly string[]> {
  const sql = "SELECT bucket_id FROM deleted_buckets WHERE deleted_at_ms <= $1 ORDER BY deleted_at_ms LIMIT $2";
  return (await queries.all(sql, [untilMs, limit])).map((row) => readText(row, "bucket_id"));
}

/** Forgets a deleted bucket: its folder is gone. */
export async function forgetDeleted(queries: ControlQueries, bucketId: string): Promise<void> {
  await queries.run("DELETE FROM deleted_buckets WHERE bucket_id = $1", [bucketId]);
}

function readBucket(row: SqlRow): StoredBucket {
  const entry: BucketEntry = {
    bucketId: readText(row, "bucket_id"),
    name: readText(row, "name"),
    tenantId: readText(row, "tenant_id"),
    accountId: readText(row, "account_id"),
    ownerCanonicalId: readText(row, "canonical_id"),
    ownerDisplayName: readText(row, "display_name"),
    region: readText(row, "region"),
    createdAtMs: readInteger(row, "created_at_ms"),
    versioning: parseWord(readText(row, "versioning"), ["never", "enabled", "suspended"]),
    tags: parseTags(readJson(row, "tags")),
    quota: readLimits(row, "quota"),
  };
  return { entry, state: parseWord(readText(row, "state"), ["creating", "active", "deleting"]) };
}

function parseWord<const W extends string>(text: string, words: readonly W[]): W {
  const word = words.find((candidate) => candidate === text);
  if (word === undefined) throw new TypeError(`A bucket has the unknown word ${text}: ${words.join(", ")} are known`);
  return word;
}

function parseTags(value: unknown): readonly (readonly [key: string, value: string])[] {
  if (!Array.isArray(value)) throw new TypeError("Tags are no list");
  return value.map((tag: unknown) => {
    if (!Array.isArray(tag) || tag.length !== 2) throw new TypeError("A tag is no pair");
    return [String(tag[0]), String(tag[1])];
  });
}
