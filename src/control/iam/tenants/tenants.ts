import { createUlidMaker } from "#kernel/base/ulid.ts";
import type { TenantEntry, TenantLimits } from "#kernel/protocol/identities.ts";
import type { SnapshotChange } from "#kernel/protocol/snapshot.ts";
import type { ControlQueries, SqlRow } from "../../database/control-database.ts";
import { readInteger, readText } from "../../database/row-values.ts";
import { ControlError } from "../../http/control-error.ts";
import { defaultTenantSlug } from "../../tenants/ensure-tenant.ts";
import { makeAccountId, makeCanonicalId } from "../../tenants/new-identifiers.ts";
import {
  type Actor,
  type IdentityOptions,
  likePart,
  type Outcome,
  type Page,
  type PageWanted,
  requireRow,
  runChange,
} from "../identity-work.ts";
import { readTenantEntry } from "../read-identities.ts";
import { type NameSort, readSortedPage, type SortedList } from "../sorted-list.ts";
import { requireNoBoundary } from "../users/reach.ts";
import { changesOf } from "../users/users.ts";

/** A tenant as the API shows it. */
export interface TenantView extends TenantEntry {
  readonly email: string;
  readonly createdAtMs: number;
  readonly revision: number;
}

/** What of a tenant can be changed; absent parts stay. A limit of null is unlimited, one that is absent the default. */
export interface TenantPatch {
  readonly displayName?: string;
  readonly email?: string;
  readonly limits?: TenantLimits;
}

const SHOWN = "SELECT tenant_id, slug, email, created_at_ms, revision FROM tenants";

const LISTED = `${SHOWN} WHERE slug LIKE $1 ESCAPE '!'`;
const list: SortedList<NameSort> = {
  idColumn: "tenant_id",
  columns: { name: "slug", createdAt: "created_at_ms" },
  byId: `${LISTED} AND tenant_id > $2 ORDER BY tenant_id LIMIT $3`,
  by: {
    name: `${LISTED} AND (slug, tenant_id) > ($2, $3) ORDER BY slug, tenant_id LIMIT $4`,
    "-name": `${LISTED} AND (slug, tenant_id) < ($2, $3) ORDER BY slug DESC, tenant_id DESC LIMIT $4`,
    createdAt: `${LISTED} AND (created_at_ms, tenant_id) > ($2, $3) ORDER BY created_at_ms, tenant_id LIMIT $4`,
    "-createdAt": `${LISTED} AND (created_at_ms, tenant_id) < ($2, $3) ORDER BY created_at_ms DESC, tenant_id DESC LIMIT $4`,
  },
};

/** All tenants. */
export class Tenants {
  readonly #options: IdentityOptions;

  constructor(options: IdentityOptions) {
    this.#options = options;
  }

  /** A page of tenants, by id; `q` is a part of the slug. */
  list({ q, ...wanted }: PageWanted): Promise<Page<TenantView>> {
    const rows = { ...wanted, parameters: [likePart(q)] };
    return readSortedPage(this.#options.database, list, { ...rows, show: (row) => this.#show(row) });
  }

  /** One tenant. @throws ControlError NotFound */
  get(tenantId: string): Promise<TenantView> {
    return this.#read(this.#options.database, tenantId);
  }

  async #read(queries: Pick<ControlQueries, "all">, tenantId: string): Promise<TenantView> {
    const [view] = this.#show(requireRow(await queries.all(`${SHOWN} WHERE tenant_id = $1`, [tenantId])));
    if (view === undefined) throw new ControlError("NotFound");
    return view;
  }

  /** Makes a tenant. @throws ControlError Conflict: the slug is taken */
  async create(actor: Omit<Actor, "tenantId">, slug: string, parts: TenantPatch): Promise<TenantView> {
    const { random, clock } = this.#options;
    const tenantId = createUlidMaker(clock, random)();
    const { displayName = slug, email = "", limits = {} } = parts;
    await runChange(this.#options, { ...actor, tenantId }, async (queries) => {
      requireNoBoundary(this.#options.publisher, { ...actor, tenantId });
      if ((await queries.all("SELECT tenant_id FROM tenants WHERE slug = $1", [slug])).length > 0)
        throw new ControlError("Conflict", "There is a tenant of this slug");
      await queries.run(
        `INSERT INTO tenants (tenant_id, slug, display_name, account_id, canonical_id, email, limits, created_at_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
        [
          ...[tenantId, slug, displayName, makeAccountId(random), makeCanonicalId(random), email],
          ...[JSON.stringify(limits), clock.nowMs()],
        ],
      );
      return outcome(queries, tenantId, { action: "maxiofs:CreateTenant", change: { slug: { after: slug } } });
    });
    return this.get(tenantId);
  }

  /** Changes name, e-mail and limits. @throws ControlError NotFound, PreconditionFailed */
  async update(actor: Actor, patch: TenantPatch): Promise<TenantView> {
    await this.#change(actor, async (queries) => {
      const before = await this.#read(queries, actor.tenantId);
      const { displayName, email, limits } = { ...before, ...patch };
      await queries.run("UPDATE tenants SET display_name = $1, email = $2, limits = $3 WHERE tenant_id = $4", [
        displayName,
        email,
        JSON.stringify(limits),
        actor.tenantId,
      ]);
      const shown = { displayName: before.displayName, email: before.email, limits: before.limits };
      return { action: "maxiofs:UpdateTenant", change: changesOf(shown, { displayName, email, limits }) };
    });
    return this.get(actor.tenantId);
  }

  /** Suspends a tenant or ends that: all its credentials are refused, its buckets closed. @throws ControlError Conflict for `default` */
  async setStatus(actor: Actor, status: TenantEntry["status"]): Promise<TenantView> {
    await this.#change(actor, async (queries) => {
      const before = await this.#read(queries, actor.tenantId);
      requireNotDefault(before);
      await queries.run("UPDATE tenants SET status = $1 WHERE tenant_id = $2", [status, actor.tenantId]);
      return { action: "maxiofs:UpdateTenant", change: changesOf({ status: before.status }, { status }) };
    });
    return this.get(actor.tenantId);
  }

  /** Removes a tenant without buckets, with all its identities. @throws ControlError NotFound, Conflict, PreconditionFailed */
  async remove(actor: Actor): Promise<void> {
    const { tenantId } = actor;
    requireNotDefault(await this.get(tenantId));
    await runChange(this.#options, actor, async (queries) => {
      requireNoBoundary(this.#options.publisher, actor);
      const row = requireRow(await queries.all(`${SHOWN} WHERE tenant_id = $1`, [tenantId]), actor.revision);
      const buckets = await queries.all("SELECT bucket_id FROM buckets WHERE tenant_id = $1 LIMIT 1", [tenantId]);
      if (buckets.length > 0) throw new ControlError("Conflict", "The tenant has buckets");
      const changes = this.#goneWith(tenantId);
      for (const sql of removalSql) await queries.run(sql, [tenantId]);
      const resource = { kind: "tenant", id: readText(row, "tenant_id") };
      return { value: undefined, changes, event: { action: "maxiofs:DeleteTenant", resource } };
    });
  }

  /** All entries of a tenant, taken away: keys first. */
  #goneWith(tenantId: string): SnapshotChange[] {
    const { publisher } = this.#options;
    const of = <Kind extends "key" | "user" | "group" | "role" | "policy">(kind: Kind): SnapshotChange[] =>
      [...publisher.entries(kind)]
        .filter(([, entry]) => entry.tenantId === tenantId)
        .map(([id]): SnapshotChange => ({ kind, id, value: null }));
    const identities = [...of("key"), ...of("user"), ...of("group"), ...of("role"), ...of("policy")];
    return [...identities, { kind: "tenant", id: tenantId, value: null }];
  }

  #change(
    actor: Actor,
    work: (queries: ControlQueries) => Promise<Pick<Outcome<void>["event"], "action" | "change">>,
  ): Promise<void> {
    const { tenantId } = actor;
    return runChange(this.#options, actor, async (queries) => {
      requireNoBoundary(this.#options.publisher, actor);
      requireRow(await queries.all(`${SHOWN} WHERE tenant_id = $1`, [tenantId]), actor.revision);
      const told = await work(queries);
      await queries.run("UPDATE tenants SET revision = revision + 1 WHERE tenant_id = $1", [tenantId]);
      return outcome(queries, tenantId, told);
    });
  }

  #show(row: SqlRow): TenantView[] {
    const entry = this.#options.publisher.entries("tenant").get(readText(row, "tenant_id"));
    if (entry === undefined) return [];
    const [createdAtMs, revision] = [readInteger(row, "created_at_ms"), readInteger(row, "revision")];
    return [{ ...entry, email: readText(row, "email"), createdAtMs, revision }];
  }
}

const removalSql = [
  "DELETE FROM access_keys WHERE user_id IN (SELECT user_id FROM users WHERE tenant_id = $1)",
  "DELETE FROM policy_attachments WHERE identity_id IN (SELECT user_id FROM users WHERE tenant_id = $1)",
  "DELETE FROM policy_attachments WHERE identity_id IN (SELECT group_id FROM user_groups WHERE tenant_id = $1)",
  "DELETE FROM policy_attachments WHERE identity_id IN (SELECT role_id FROM roles WHERE tenant_id = $1)",
  "DELETE FROM inline_policies WHERE identity_id IN (SELECT user_id FROM users WHERE tenant_id = $1)",
  "DELETE FROM inline_policies WHERE identity_id IN (SELECT group_id FROM user_groups WHERE tenant_id = $1)",
  "DELETE FROM inline_policies WHERE identity_id IN (SELECT role_id FROM roles WHERE tenant_id = $1)",
  "DELETE FROM policy_versions WHERE policy_id IN (SELECT policy_id FROM managed_policies WHERE tenant_id = $1)",
  "DELETE FROM managed_policies WHERE tenant_id = $1",
  "DELETE FROM roles WHERE tenant_id = $1",
  "DELETE FROM group_members WHERE group_id IN (SELECT group_id FROM user_groups WHERE tenant_id = $1)",
  "DELETE FROM user_groups WHERE tenant_id = $1",
  "DELETE FROM users WHERE tenant_id = $1",
  "DELETE FROM tenants WHERE tenant_id = $1",
];

function requireNotDefault({ slug }: TenantEntry): void {
  if (slug === defaultTenantSlug) throw new ControlError("Conflict", "The tenant default always exists");
}

async function outcome(
  queries: ControlQueries,
  tenantId: string,
  told: Pick<Outcome<void>["event"], "action" | "change">,
): Promise<Outcome<void>> {
  const value = (await readTenantEntry(queries, tenantId)) ?? null;
  const resource = { kind: "tenant", id: tenantId, ...(value !== null && { name: value.slug }) };
  return { value: undefined, changes: [{ kind: "tenant", id: tenantId, value }], event: { ...told, resource } };
}
