import { identityArn } from "#kernel/policy/identity-arn.ts";
import type { IdentityTag, UserEntry } from "#kernel/protocol/identities.ts";
import type { SnapshotChange } from "#kernel/protocol/snapshot.ts";
import type { ControlQueries, SqlRow } from "../../database/control-database.ts";
import { readInteger, readText } from "../../database/row-values.ts";
import { ControlError } from "../../http/control-error.ts";
import { revokeIssued } from "../../sts/revoke-issued.ts";
import { defaultTenantSlug } from "../../tenants/ensure-tenant.ts";
import { makeUniqueId } from "../../tenants/new-identifiers.ts";
import { forgetPolicies, Holders, type HolderWork } from "../holders.ts";
import { boundOf } from "../identity-limits.ts";
import {
  type Actor,
  type IdentityOptions,
  likePart,
  type Page,
  type PageWanted,
  requireRoom,
  requireRow,
  runChange,
} from "../identity-work.ts";
import { resolvePolicyId, selfServicePolicy } from "../policy-texts.ts";
import { readUserEntry } from "../read-identities.ts";
import { requireAdministrator } from "../require-administrator.ts";
import { type NameSort, readSortedPage, type SortedList } from "../sorted-list.ts";
import { requireBoundaryReach, requireNoBoundary, requireReach } from "./reach.ts";

/** A user as the API shows it. */
export interface UserView extends UserEntry {
  readonly arn: string;
  readonly createdAtMs: number;
  readonly revision: number;
}

/** What a user may be made with. */
export interface NewUser {
  readonly name: string;
  readonly path?: string;
  readonly tags?: readonly IdentityTag[];
  /** A boundary, by id or ARN. */
  readonly boundary?: string;
}

/** What of a user can be changed at once; absent parts stay. */
export interface UserPatch {
  readonly name?: string;
  readonly path?: string;
  readonly tags?: readonly IdentityTag[];
  /** By id or ARN; null takes it away. */
  readonly boundary?: string | null;
}

const FIND = "SELECT revision FROM users WHERE user_id = $1 AND tenant_id = $2";
const SHOWN = "SELECT user_id, name_folded, created_at_ms, revision FROM users";

const LISTED = `${SHOWN} WHERE tenant_id = $1 AND name_folded LIKE $2 ESCAPE '!'`;
const list: SortedList<NameSort> = {
  idColumn: "user_id",
  columns: { name: "name_folded", createdAt: "created_at_ms" },
  byId: `${LISTED} AND user_id > $3 ORDER BY user_id LIMIT $4`,
  by: {
    name: `${LISTED} AND (name_folded, user_id) > ($3, $4) ORDER BY name_folded, user_id LIMIT $5`,
    "-name": `${LISTED} AND (name_folded, user_id) < ($3, $4) ORDER BY name_folded DESC, user_id DESC LIMIT $5`,
    createdAt: `${LISTED} AND (created_at_ms, user_id) > ($3, $4) ORDER BY created_at_ms, user_id LIMIT $5`,
    "-createdAt": `${LISTED} AND (created_at_ms, user_id) < ($3, $4) ORDER BY created_at_ms DESC, user_id DESC LIMIT $5`,
  },
};

/** The users of all tenants. */
export class Users {
  readonly #options: IdentityOptions;
  /** Their policies. */
  readonly policies: Holders<UserEntry>;

  constructor(options: IdentityOptions) {
    this.#options = options;
    this.policies = new Holders<UserEntry>(options, {
      noun: "User",
      inlineKind: "userInline",
      findSql: FIND,
      bumpSql: "UPDATE users SET revision = revision + 1 WHERE user_id = $1",
      read: readUserEntry,
      changeOf: (id, value) => ({ kind: "user", id, value }),
      requireReach: (actor, entry) => requireReach(this.#options.publisher, actor, entry),
      arnOf: (entry) => this.#arnOf(entry),
    });
  }

  /** A page of a tenant's users. @throws ControlError InvalidRequest for the cursor of another order */
  list(tenantId: string, { q, ...wanted }: PageWanted): Promise<Page<UserView>> {
    const rows = { ...wanted, parameters: [tenantId, likePart(q)] };
    return readSortedPage(this.#options.database, list, { ...rows, show: (row) => this.#show(row) });
  }

  /** One user. @throws ControlError NotFound, also for those of other tenants */
  async get(tenantId: string, userId: string): Promise<UserView> {
    const sql = `${SHOWN} WHERE user_id = $1 AND tenant_id = $2`;
    const [view] = this.#show(requireRow(await this.#options.database.all(sql, [userId, tenantId])));
    if (view === undefined) throw new ControlError("NotFound");
    return view;
  }

  /** One user by name, in any case. @throws ControlError NotFound */
  async find(tenantId: string, name: string): Promise<UserView> {
    const sql = `${SHOWN} WHERE tenant_id = $1 AND name_folded = $2`;
    const [view] = this.#show(requireRow(await this.#options.database.all(sql, [tenantId, name.toLowerCase()])));
    if (view === undefined) throw new ControlError("NotFound", "There is no such user");
    return view;
  }

  /** Makes a user, who may manage the own log-in and keys and nothing else. @throws ControlError Conflict, NotFound (boundary) */
  async create(actor: Actor, user: NewUser): Promise<UserView> {
    const { limits, publisher, random, clock } = this.#options;
    const userId = makeUniqueId("AIDA", random);
    await runChange(this.#options, actor, async (queries) => {
      const { tenantId } = actor;
      await this.#requireFreeName(queries, tenantId, user.name);
      const counted = await queries.all("SELECT count(*) AS found FROM users WHERE tenant_id = $1", [tenantId]);
      requireRoom(counted, boundOf(publisher.entries("tenant").get(tenantId)?.limits.maxUsers, limits.users), "users");
      requireTags(user.tags ?? [], limits.tags);
      const boundary = user.boundary === undefined ? null : await resolvePolicyId(queries, tenantId, user.boundary);
      const boundaryId = requireBoundaryReach(publisher, actor, boundary);
      await queries.run(
        `INSERT INTO users (user_id, tenant_id, name, name_folded, is_global, path, tags, boundary_policy_id, created_at_ms)
         VALUES ($1, $2, $3, $4, 0, $5, $6, $7, $8)`,
        [
          ...[userId, tenantId, user.name, user.name.toLowerCase(), user.path ?? "/"],
          ...[JSON.stringify(user.tags ?? []), boundaryId, clock.nowMs()],
        ],
      );
      await queries.run("INSERT INTO policy_attachments (identity_id, policy_id) VALUES ($1, $2)", [
        userId,
        selfServicePolicy,
      ]);
      const value = await readUserEntry(queries, userId);
      if (value === undefined) throw new ControlError("NotFound");
      const change = { name: { after: user.name }, ...(boundaryId !== null && { boundary: { after: boundaryId } }) };
      return {
        value,
        changes: [{ kind: "user", id: userId, value }],
        event: this.policies.event("iam:CreateUser", [userId, value], change),
      };
    });
    return this.get(actor.tenantId, userId);
  }

  /** Changes name, path, tags or boundary; another boundary ends the user's temporary credentials. @throws ControlError NotFound, PreconditionFailed, Conflict, Forbidden */
  async update(actor: Actor, userId: string, patch: UserPatch): Promise<UserView> {
    const work: HolderWork<UserEntry> = async (queries, user) => {
      const { limits, publisher } = this.#options;
      const { name = user.name, path = user.path, tags = user.tags } = patch;
      if (name.toLowerCase() !== user.name.toLowerCase()) await this.#requireFreeName(queries, actor.tenantId, name);
      requireTags(tags, limits.tags);
      let boundaryId = user.boundaryPolicyId;
      if (patch.boundary !== undefined) {
        boundaryId = patch.boundary === null ? null : await resolvePolicyId(queries, actor.tenantId, patch.boundary);
        if (boundaryId !== user.boundaryPolicyId) requireNoBoundary(publisher, actor);
      }
      await queries.run(
        "UPDATE users SET name = $1, name_folded = $2, path = $3, tags = $4, boundary_policy_id = $5 WHERE user_id = $6",
        [name, name.toLowerCase(), path, JSON.stringify(tags), boundaryId, userId],
      );
      return changesOf(
        { name: user.name, path: user.path, tags: user.tags, boundary: user.boundaryPolicyId },
        { name, path, tags, boundary: boundaryId },
      );
    };
    // Sessions of roles that the user assumed carry the boundary of then.
    const alsoPublish = async (queries: ControlQueries, before: UserEntry, { boundaryPolicyId }: UserEntry) => {
      if (boundaryPolicyId === null || boundaryPolicyId === before.boundaryPolicyId) return [];
      return [await revokeIssued(queries, userId, this.#options.clock.nowMs())];
    };
    await this.policies.change(actor, userId, { action: "iam:UpdateUser", work, alsoPublish });
    return this.get(actor.tenantId, userId);
  }

  /** Suspends a user or ends that: keys, sessions and tokens of a suspended one are refused. @throws ControlError Conflict: the last active global administrator */
  async setStatus(actor: Actor, userId: string, status: UserEntry["status"]): Promise<UserView> {
    const work: HolderWork<UserEntry> = async (queries, user) => {
      await queries.run("UPDATE users SET status = $1 WHERE user_id = $2", [status, userId]);
      if (user.global) await requireAdministrator(queries, this.#options.clock.nowMs());
      return { status: { before: user.status, after: status } };
    };
    await this.policies.change(actor, userId, { action: "iam:UpdateUser", work });
    return this.get(actor.tenantId, userId);
  }

  /** Makes a user of the default tenant a global administrator, or ends that. @throws ControlError Forbidden, Conflict: the last active one */
  async setGlobal(actor: Actor, userId: string, global: boolean): Promise<UserView> {
    const work: HolderWork<UserEntry> = async (queries, user) => {
      const tenant = this.#options.publisher.entries("tenant").get(user.tenantId);
      if (tenant?.slug !== defaultTenantSlug)
        throw new ControlError("Conflict", "Global administrators belong to the tenant default");
      await queries.run("UPDATE users SET is_global = $1 WHERE user_id = $2", [global ? 1 : 0, userId]);
      if (user.global) await requireAdministrator(queries, this.#options.clock.nowMs());
      return { global: { before: user.global, after: global } };
    };
    // Credentials of tenants that the user entered would come back with the flag.
    const alsoPublish = async (queries: ControlQueries) =>
      global ? [] : [await revokeIssued(queries, userId, this.#options.clock.nowMs())];
    await this.policies.change(actor, userId, { action: "maxiofs:SetGlobal", work, alsoPublish });
    return this.get(actor.tenantId, userId);
  }

  /** Removes a user with keys, sessions, memberships and policies. @throws ControlError NotFound, Conflict: the last active global administrator */
  remove(actor: Actor, userId: string): Promise<void> {
    return runChange(this.#options, actor, async (queries) => {
      requireRow(await queries.all(FIND, [userId, actor.tenantId]), actor.revision);
      const user = await readUserEntry(queries, userId);
      if (user === undefined) throw new ControlError("NotFound");
      requireReach(this.#options.publisher, actor, user);
      const keys = await queries.all("SELECT access_key_id FROM access_keys WHERE user_id = $1", [userId]);
      await queries.run("DELETE FROM access_keys WHERE user_id = $1", [userId]);
      await forgetPolicies(queries, userId);
      await queries.run("DELETE FROM users WHERE user_id = $1", [userId]);
      if (user.global) await requireAdministrator(queries, this.#options.clock.nowMs());
      const ended = keys.map(
        (row): SnapshotChange => ({ kind: "key", id: readText(row, "access_key_id"), value: null }),
      );
      return {
        value: undefined,
        changes: [...ended, { kind: "user", id: userId, value: null }],
        event: this.policies.event("iam:DeleteUser", [userId, user], { keys: { before: ended.length, after: 0 } }),
      };
    });
  }

  async #requireFreeName(queries: ControlQueries, tenantId: string, name: string): Promise<void> {
    const sql = "SELECT user_id FROM users WHERE tenant_id = $1 AND name_folded = $2";
    if ((await queries.all(sql, [tenantId, name.toLowerCase()])).length > 0)
      throw new ControlError("Conflict", "There is a user of this name");
  }

  #show(row: SqlRow): UserView[] {
    const entry = this.#options.publisher.entries("user").get(readText(row, "user_id"));
    if (entry === undefined) return [];
    const revision = readInteger(row, "revision");
    return [{ ...entry, arn: this.#arnOf(entry), createdAtMs: readInteger(row, "created_at_ms"), revision }];
  }

  #arnOf(entry: UserEntry): string {
    const accountId = this.#options.publisher.entries("tenant").get(entry.tenantId)?.accountId ?? "";
    return identityArn(accountId, "user", entry);
  }
}

/** @throws ControlError InvalidRequest for a doubled key, Conflict for too many */
export function requireTags(tags: readonly IdentityTag[], limit: number): void {
  if (tags.length > limit) throw new ControlError("Conflict", `An identity may have ${limit} tags`);
  if (new Set(tags.map(([key]) => key.toLowerCase())).size < tags.length)
    throw new ControlError("InvalidRequest", "Each tag has another key, whatever its case");
}

/** Before and after of the parts that differ. */
export function changesOf(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): Record<string, { before: unknown; after: unknown }> {
  return Object.fromEntries(
    Object.keys(after)
      .filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]))
      .map((name) => [name, { before: before[name], after: after[name] }]),
  );
}
