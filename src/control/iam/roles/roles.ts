import { identityArn } from "#kernel/policy/identity-arn.ts";
import type { IdentityTag, RoleEntry } from "#kernel/protocol/identities.ts";
import type { ControlQueries, SqlRow } from "../../database/control-database.ts";
import { readInteger, readText } from "../../database/row-values.ts";
import { ControlError } from "../../http/control-error.ts";
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
import { requirePolicy, resolvePolicyId } from "../policy-texts.ts";
import { readRoleEntry } from "../read-identities.ts";
import { type NameSort, readSortedPage, type SortedList } from "../sorted-list.ts";
import { requireBoundaryReach, requireNoBoundary, requireReach } from "../users/reach.ts";
import { changesOf, requireTags } from "../users/users.ts";
import { showPrincipals, storePrincipals } from "./principals.ts";

/** A role as the API shows it. */
export interface RoleView extends RoleEntry {
  readonly arn: string;
  readonly description: string;
  /** JSON text: who may assume it. */
  readonly trustPolicy: string;
  readonly maxSessionSeconds: number;
  readonly createdAtMs: number;
  readonly revision: number;
}

/** What a role is made of, but for its name. */
export interface RoleParts {
  readonly description: string;
  readonly trustPolicy: string;
  /** 3,600 to 43,200. */
  readonly maxSessionSeconds: number;
  readonly tags: readonly IdentityTag[];
  /** By id or ARN. */
  readonly boundary: string | null;
}

const FIND = "SELECT revision FROM roles WHERE role_id = $1 AND tenant_id = $2";
const SHOWN =
  "SELECT role_id, name_folded, description, trust_policy, max_session_seconds, created_at_ms, revision FROM roles";

const LISTED = `${SHOWN} WHERE tenant_id = $1 AND name_folded LIKE $2 ESCAPE '!'`;
const list: SortedList<NameSort> = {
  idColumn: "role_id",
  columns: { name: "name_folded", createdAt: "created_at_ms" },
  byId: `${LISTED} AND role_id > $3 ORDER BY role_id LIMIT $4`,
  by: {
    name: `${LISTED} AND (name_folded, role_id) > ($3, $4) ORDER BY name_folded, role_id LIMIT $5`,
    "-name": `${LISTED} AND (name_folded, role_id) < ($3, $4) ORDER BY name_folded DESC, role_id DESC LIMIT $5`,
    createdAt: `${LISTED} AND (created_at_ms, role_id) > ($3, $4) ORDER BY created_at_ms, role_id LIMIT $5`,
    "-createdAt": `${LISTED} AND (created_at_ms, role_id) < ($3, $4) ORDER BY created_at_ms DESC, role_id DESC LIMIT $5`,
  },
};

/** The roles of all tenants. */
export class Roles {
  readonly #options: IdentityOptions;
  /** Their policies. */
  readonly policies: Holders<RoleEntry>;

  constructor(options: IdentityOptions) {
    this.#options = options;
    this.policies = new Holders<RoleEntry>(options, {
      noun: "Role",
      inlineKind: "roleInline",
      findSql: FIND,
      bumpSql: "UPDATE roles SET revision = revision + 1 WHERE role_id = $1",
      read: readRoleEntry,
      changeOf: (id, value) => ({ kind: "role", id, value }),
      requireReach: (actor, entry) => requireReach(options.publisher, actor, entry),
      arnOf: (entry) => this.#arnOf(entry),
    });
  }

  /** A page of a tenant's roles. @throws ControlError InvalidRequest for the cursor of another order */
  list(tenantId: string, { q, ...wanted }: PageWanted): Promise<Page<RoleView>> {
    const rows = { ...wanted, parameters: [tenantId, likePart(q)] };
    return readSortedPage(this.#options.database, list, { ...rows, show: (row) => this.#show(row) });
  }

  /** One role. @throws ControlError NotFound */
  get(tenantId: string, roleId: string): Promise<RoleView> {
    return this.#read(this.#options.database, tenantId, roleId);
  }

  async #read(queries: Pick<ControlQueries, "all">, tenantId: string, roleId: string): Promise<RoleView> {
    const sql = `${SHOWN} WHERE role_id = $1 AND tenant_id = $2`;
    const [view] = this.#show(requireRow(await queries.all(sql, [roleId, tenantId])));
    if (view === undefined) throw new ControlError("NotFound");
    return view;
  }

  /** Makes a role. @throws ControlError InvalidRequest (the trust policy), Conflict, NotFound (boundary) */
  async create(actor: Actor, name: string, parts: RoleParts): Promise<RoleView> {
    const { limits, publisher, random, clock } = this.#options;
    requirePolicy(parts.trustPolicy, "trust");
    const trustPolicy = storePrincipals(parts.trustPolicy, publisher);
    // It stands in the ARNs of global administrators who entered the tenant.
    if (name.toLowerCase() === "tenant-entry") throw new ControlError("Conflict", "This name is not for roles");
    const roleId = makeUniqueId("AROA", random);
    await runChange(this.#options, actor, async (queries) => {
      const { tenantId } = actor;
      const taken = "SELECT role_id FROM roles WHERE tenant_id = $1 AND name_folded = $2";
      if ((await queries.all(taken, [tenantId, name.toLowerCase()])).length > 0)
        throw new ControlError("Conflict", "There is a role of this name");
      const counted = await queries.all("SELECT count(*) AS found FROM roles WHERE tenant_id = $1", [tenantId]);
      requireRoom(counted, boundOf(publisher.entries("tenant").get(tenantId)?.limits.maxRoles, limits.roles), "roles");
      requireTags(parts.tags, limits.tags);
      const boundary = parts.boundary === null ? null : await resolvePolicyId(queries, tenantId, parts.boundary);
      const boundaryId = requireBoundaryReach(publisher, actor, boundary);
      await queries.run(
        `INSERT INTO roles (role_id, tenant_id, path, name, name_folded, description, trust_policy, max_session_seconds,
           boundary_policy_id, tags, created_at_ms, revision) VALUES ($1, $2, '/', $3, $4, $5, $6, $7, $8, $9, $10, 1)`,
        [
          ...[roleId, tenantId, name, name.toLowerCase(), parts.description, trustPolicy],
          ...[parts.maxSessionSeconds, boundaryId, JSON.stringify(parts.tags), clock.nowMs()],
        ],
      );
      const value = await readRoleEntry(queries, roleId);
      if (value === undefined) throw new ControlError("NotFound");
      const event = this.policies.event("iam:CreateRole", [roleId, value], {
        trustPolicy: { after: parts.trustPolicy },
      });
      return { value, changes: [{ kind: "role", id: roleId, value }], event };
    });
    return this.get(actor.tenantId, roleId);
  }

  /** Changes parts of a role; absent ones stay. @throws ControlError NotFound, PreconditionFailed, InvalidRequest, Forbidden */
  async update(actor: Actor, roleId: string, patch: Partial<RoleParts>): Promise<RoleView> {
    if (patch.trustPolicy !== undefined) requirePolicy(patch.trustPolicy, "trust");
    const work: HolderWork<RoleEntry> = async (queries, role) => {
      const { publisher, limits } = this.#options;
      const before = await this.#read(queries, actor.tenantId, roleId);
      const { description, maxSessionSeconds, tags } = { ...before, ...patch };
      let trustPolicy = before.trustPolicy;
      if (patch.trustPolicy !== undefined) {
        const stored = storePrincipals(patch.trustPolicy, publisher);
        await queries.run("UPDATE roles SET trust_policy = $1 WHERE role_id = $2", [stored, roleId]);
        trustPolicy = showPrincipals(stored, publisher, actor.tenantId);
      }
      requireTags(tags, limits.tags);
      let boundaryId = role.boundaryPolicyId;
      if (patch.boundary !== undefined) {
        boundaryId = patch.boundary === null ? null : await resolvePolicyId(queries, actor.tenantId, patch.boundary);
        if (boundaryId !== role.boundaryPolicyId) requireNoBoundary(publisher, actor);
      }
      await queries.run(
        "UPDATE roles SET description = $1, max_session_seconds = $2, tags = $3, boundary_policy_id = $4 WHERE role_id = $5",
        [description, maxSessionSeconds, JSON.stringify(tags), boundaryId, roleId],
      );
      const shown = { description: before.description, trustPolicy: before.trustPolicy, tags: before.tags };
      return changesOf(
        { ...shown, maxSessionSeconds: before.maxSessionSeconds, boundary: role.boundaryPolicyId },
        { description, trustPolicy, tags, maxSessionSeconds, boundary: boundaryId },
      );
    };
    await this.policies.change(actor, roleId, { action: "iam:UpdateRole", work });
    return this.get(actor.tenantId, roleId);
  }

  /** Removes a role with its policies; its sessions are refused from then on. @throws ControlError NotFound, PreconditionFailed */
  remove(actor: Actor, roleId: string): Promise<void> {
    return runChange(this.#options, actor, async (queries: ControlQueries) => {
      requireRow(await queries.all(FIND, [roleId, actor.tenantId]), actor.revision);
      const role = await readRoleEntry(queries, roleId);
      if (role === undefined) throw new ControlError("NotFound");
      requireReach(this.#options.publisher, actor, role);
      await forgetPolicies(queries, roleId);
      await queries.run("DELETE FROM roles WHERE role_id = $1", [roleId]);
      const event = this.policies.event("iam:DeleteRole", [roleId, role], undefined);
      return { value: undefined, changes: [{ kind: "role", id: roleId, value: null }], event };
    });
  }

  #show(row: SqlRow): RoleView[] {
    const entry = this.#options.publisher.entries("role").get(readText(row, "role_id"));
    if (entry === undefined) return [];
    return [
      {
        ...entry,
        arn: this.#arnOf(entry),
        description: readText(row, "description"),
        trustPolicy: showPrincipals(readText(row, "trust_policy"), this.#options.publisher, entry.tenantId),
        maxSessionSeconds: readInteger(row, "max_session_seconds"),
        createdAtMs: readInteger(row, "created_at_ms"),
        revision: readInteger(row, "revision"),
      },
    ];
  }

  #arnOf(entry: RoleEntry): string {
    const accountId = this.#options.publisher.entries("tenant").get(entry.tenantId)?.accountId ?? "";
    return identityArn(accountId, "role", entry);
  }
}
