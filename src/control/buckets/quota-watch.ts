import type { BucketQuota } from "#kernel/protocol/identities.ts";
import type { Usage } from "#kernel/protocol/quota.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import type { AuditEvent, RecordAudit } from "../audit/audit-event.ts";
import type { ControlDatabase } from "../database/control-database.ts";
import { readInteger, readText } from "../database/row-values.ts";
import type { Log } from "../observe/log.ts";
import type { SnapshotPublisher } from "../snapshot/publisher.ts";
import type { CatalogUsage } from "./bucket-catalogs.ts";
import { quotaLevel } from "./quota-level.ts";

/** What watching quotas needs. */
export interface QuotaWatchOptions {
  readonly database: ControlDatabase;
  readonly publisher: Pick<SnapshotPublisher, "buckets" | "entries">;
  readonly catalogs: Pick<CatalogUsage, "usage">;
  readonly record: RecordAudit;
  readonly log: Log;
}

/** A bucket or tenant with a quota. */
interface Subject {
  readonly kind: "bucket" | "tenant";
  readonly id: string;
  readonly name: string;
  readonly tenantId: string;
  readonly quota: BucketQuota;
  readonly bucketIds: readonly string[];
}

/** A use that came to another level. */
interface Crossing {
  readonly subject: Subject;
  readonly measure: "bytes" | "objects";
  readonly before: number;
  readonly level: number;
  readonly used: number;
  readonly bound: number | null;
}

/**
 * Tells when a bucket or tenant comes to 80, 90 and 100 % of its quota: an audit event and a line of the log, once for each rise, also
 * over restarts. Looks at sums from time to time, so a rise through several levels is told as the highest of them.
 */
export class QuotaWatch {
  readonly #options: QuotaWatchOptions;
  /** By subject and measure; read from the database at the first look. */
  #levels: Map<string, number> | undefined;

  constructor(options: QuotaWatchOptions) {
    this.#options = options;
  }

  /** Compares what there is with the quotas. @throws the database's error; the crossing is told of at the next look then */
  async look(): Promise<void> {
    this.#levels ??= await readLevels(this.#options.database);
    const subjects = this.#findSubjects();
    const usages = await this.#readUsages(new Set(subjects.flatMap(({ bucketIds }) => bucketIds)));
    if (usages === undefined) return;
    const seen = new Set<string>();
    for (const subject of subjects) {
      const usage = sumOf(subject.bucketIds, usages);
      for (const measure of ["bytes", "objects"] as const) {
        const key = keyOf(subject.id, measure);
        seen.add(key);
        // What cannot be read now stays at the level it had.
        if (usage !== undefined) await this.#compare(subject, measure, usage[measure]);
      }
    }
    for (const key of this.#levels.keys()) if (!seen.has(key)) await this.#forget(key);
  }

  #findSubjects(): readonly Subject[] {
    const { publisher } = this.#options;
    const byTenant = new Map<string, string[]>();
    const subjects: Subject[] = [];
    for (const { bucketId: id, name, tenantId, quota } of publisher.buckets.values()) {
      if (hasBound(quota)) subjects.push({ kind: "bucket", id, name, tenantId, quota, bucketIds: [id] });
      const ofTenant = byTenant.get(tenantId);
      if (ofTenant) ofTenant.push(id);
      else byTenant.set(tenantId, [id]);
    }
    for (const { tenantId, slug, limits } of publisher.entries("tenant").values()) {
      const bucketIds = byTenant.get(tenantId) ?? [];
      if (hasBound(limits))
        subjects.push({ kind: "tenant", id: tenantId, name: slug, tenantId, quota: limits, bucketIds });
    }
    return subjects;
  }

  /** @returns undefined while there is no writer to ask */
  async #readUsages(bucketIds: ReadonlySet<string>): Promise<ReadonlyMap<string, Usage> | undefined> {
    if (bucketIds.size === 0) return new Map();
    try {
      return await this.#options.catalogs.usage([...bucketIds]);
    } catch (error) {
      if (error instanceof S3Error && error.status === 503) return undefined;
      throw error;
    }
  }

  async #compare(subject: Subject, measure: Crossing["measure"], used: number): Promise<void> {
    const before = this.#levels?.get(keyOf(subject.id, measure)) ?? 0;
    const bound = subject.quota[measure === "bytes" ? "maxBytes" : "maxObjects"] ?? null;
    const level = quotaLevel(used, bound, before);
    if (level !== before) await this.#cross({ subject, measure, before, level, used, bound });
  }

  async #cross(crossing: Crossing): Promise<void> {
    const { database, record, log } = this.#options;
    const { subject, measure, before, level, used, bound } = crossing;
    await database.transaction(async (queries) => {
      await queries.run("DELETE FROM quota_levels WHERE subject_id = $1 AND measure = $2", [subject.id, measure]);
      if (level > 0) {
        const sql = "INSERT INTO quota_levels (subject_id, measure, level) VALUES ($1, $2, $3)";
        await queries.run(sql, [subject.id, measure, level]);
      }
      if (level > before) await record(queries, levelEvent(crossing));
    });
    this.#levels?.set(keyOf(subject.id, measure), level);
    if (level <= before) return;
    const message = level < 100 ? "A quota is nearly used up" : "A quota is used up";
    const { kind, name, id } = subject;
    log.warn(message, { kind, name, id, measure, percent: level, used, bound: bound ?? 0 });
  }

  /** The subject is gone, or has no quota any more. */
  async #forget(key: string): Promise<void> {
    const [subjectId = "", measure = ""] = key.split("/");
    const sql = "DELETE FROM quota_levels WHERE subject_id = $1 AND measure = $2";
    await this.#options.database.run(sql, [subjectId, measure]);
    this.#levels?.delete(key);
  }
}

async function readLevels(database: Pick<ControlDatabase, "all">): Promise<Map<string, number>> {
  const rows = await database.all("SELECT subject_id, measure, level FROM quota_levels");
  return new Map(
    rows.map((row) => [keyOf(readText(row, "subject_id"), readText(row, "measure")), readInteger(row, "level")]),
  );
}

function keyOf(subjectId: string, measure: string): string {
  return `${subjectId}/${measure}`;
}

function hasBound({ maxBytes = null, maxObjects = null }: BucketQuota): boolean {
  return maxBytes !== null || maxObjects !== null;
}

/** Undefined when one of them is not known. */
function sumOf(bucketIds: readonly string[], usages: ReadonlyMap<string, Usage>): Usage | undefined {
  const sum = { bytes: 0, objects: 0 };
  for (const bucketId of bucketIds) {
    const usage = usages.get(bucketId);
    if (usage === undefined) return undefined;
    sum.bytes += usage.bytes;
    sum.objects += usage.objects;
  }
  return sum;
}

function levelEvent({ subject, measure, before, level, used, bound }: Crossing): AuditEvent {
  const { kind, id, name, tenantId } = subject;
  return {
    tenantId,
    actor: { kind: "system", id: "system", name: "system" },
    action: "quota:Level",
    resource: { kind, id, name, ...(kind === "bucket" && { arn: `arn:aws:s3:::${name}` }) },
    outcome: "success",
    via: "system",
    change: { percent: { before, after: level }, [measure]: { after: { used, bound } } },
  };
}
