import type { Clock } from "#kernel/base/clock.ts";
import type { Random } from "#kernel/base/random.ts";
import type { SnapshotChange } from "#kernel/protocol/snapshot.ts";
import type { AuditEvent, RecordAudit } from "../audit/audit-event.ts";
import { originOfCaller } from "../audit/origin-of-caller.ts";
import type { ControlDatabase, ControlQueries, SqlRow } from "../database/control-database.ts";
import { readInteger } from "../database/row-values.ts";
import type { SerialQueue } from "../database/serial-queue.ts";
import type { Caller } from "../http/caller.ts";
import { ControlError } from "../http/control-error.ts";
import type { SnapshotPublisher } from "../snapshot/publisher.ts";
import type { IdentityLimits } from "./identity-limits.ts";
import type { NameSort } from "./sorted-list.ts";

/** What all services of identities stand on. */
export interface IdentityOptions {
  readonly database: ControlDatabase;
  readonly publisher: SnapshotPublisher;
  readonly record: RecordAudit;
  /** Shared by everything that publishes identities and keys: they are published in the order they were committed. */
  readonly turns: SerialQueue;
  readonly limits: IdentityLimits;
  readonly clock: Clock;
  readonly random: Random;
}

/** Who changes what: the caller, the tenant it is about, and the revision that was read; undefined for whatever there is. */
export interface Actor {
  readonly caller: Caller;
  readonly tenantId: string;
  readonly revision?: number | undefined;
}

/** What a change gives, what workers must know of it, and what the audit tells. */
export interface Outcome<Value> {
  readonly value: Value;
  readonly changes: readonly SnapshotChange[];
  readonly event: Pick<AuditEvent, "action" | "resource" | "change">;
}

/** A page of a list. */
export interface PageWanted {
  readonly limit: number;
  /** Of the page before; empty for the first. */
  readonly cursor: string;
  /** By id when absent. */
  readonly sort: NameSort | undefined;
  /** Part of the name, in any case; empty for all. */
  readonly q: string;
}

/** A page of things. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextCursor: string | null;
}

/** Commits a change with its event, publishes it, and only then gives its value: every worker knows it by then. */
export function runChange<Value>(
  { database, publisher, record, turns }: IdentityOptions,
  { caller, tenantId }: Actor,
  work: (queries: ControlQueries) => Promise<Outcome<Value>>,
): Promise<Value> {
  return turns.run(async () => {
    const { value, changes } = await database.transaction(async (queries) => {
      const outcome = await work(queries);
      await record(queries, { tenantId, ...originOfCaller(caller), ...outcome.event, outcome: "success" });
      return outcome;
    });
    if (changes.length > 0) await publisher.publish(changes);
    return value;
  });
}

/** The only row. @throws ControlError NotFound without one; PreconditionFailed when its `revision` is not the one that was read. */
export function requireRow(rows: readonly SqlRow[], revision?: number): SqlRow {
  const [row] = rows;
  if (row === undefined) throw new ControlError("NotFound");
  if (revision !== undefined && readInteger(row, "revision") !== revision) throw new ControlError("PreconditionFailed");
  return row;
}

/** @throws ControlError Conflict when there is no room for one more */
export function requireRoom(rows: readonly SqlRow[], limit: number, what: string): void {
  const [row] = rows;
  if (row !== undefined && readInteger(row, "found") >= limit)
    throw new ControlError("Conflict", `There may be ${limit} ${what}`);
}

/** A pattern of LIKE that finds a part of a folded name; its escape character is `!`. */
export function likePart(text: string): string {
  return `%${text.toLowerCase().replace(/[!%_]/g, "!$&")}%`;
}
