import {
  type BuiltInPolicy,
  builtInPolicies,
  builtInPrefix,
  findBuiltInPolicy,
} from "#kernel/policy/built-in-policies.ts";
import { identityArn } from "#kernel/policy/identity-arn.ts";
import type { ControlQueries, SqlRow } from "../../database/control-database.ts";
import { readInteger, readText } from "../../database/row-values.ts";
import { ControlError } from "../../http/control-error.ts";
import { makeUniqueId } from "../../tenants/new-identifiers.ts";
import { boundOf } from "../identity-limits.ts";
import {
  type Actor,
  type IdentityOptions,
  likePart,
  type Outcome,
  type Page,
  type PageWanted,
  requireRoom,
  requireRow,
  runChange,
} from "../identity-work.ts";
import { requirePolicy } from "../policy-texts.ts";
import { readPolicyEntry } from "../read-identities.ts";
import {
  type NameSort,
  type PageStart,
  readSortedRows,
  renderCursor,
  type SortedList,
  startOf,
} from "../sorted-list.ts";
import { requireNoBoundary, requirePolicyReach } from "../users/reach.ts";

/** A managed policy as the API shows it. */
export interface PolicyView {
  readonly policyId: string;
  readonly arn: string;
  readonly name: string;
  readonly path: string;
  readonly description: string;
  /** Of the default version. */
  readonly document: string;
  /** 0 for built-in policies, which have one version. */
  readonly defaultVersion: number;
  readonly isBuiltIn: boolean;
  readonly attachmentCount: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly revision: number;
}

/** One version of a managed policy. */
export interface PolicyVersion {
  readonly version: number;
  readonly isDefault: boolean;
  readonly document: string;
  readonly createdAtMs: number;
}

/** A policy to be made. */
export interface NewPolicy {
  readonly name: string;
  readonly path: string;
  readonly description: string;
  /** JSON text, kept as it is. */
  readonly document: string;
}

const FIND =
  "SELECT revision, name, last_version, default_version FROM managed_policies WHERE policy_id = $1 AND tenant_id = $2";
const SHOWN = `SELECT p.policy_id, p.name, p.name_folded, p.path, p.description, p.default_version, p.created_at_ms, p.updated_at_ms,
  p.revision, t.account_id, v.document,
  (SELECT count(*) FROM policy_attachments a WHERE a.policy_id = p.policy_id) AS found
  FROM managed_policies p JOIN tenants t ON t.tenant_id = p.tenant_id
  JOIN policy_versions v ON v.policy_id = p.policy_id AND v.version = p.default_version`;
const LISTED = `${SHOWN} WHERE p.tenant_id = $1 AND p.name_folded LIKE $2 ESCAPE '!'`;
const list: SortedList<NameSort> = {
  idColumn: "policy_id",
  columns: { name: "name_folded", createdAt: "created_at_ms" },
  byId: `${LISTED} AND p.policy_id > $3 ORDER BY p.policy_id LIMIT $4`,
  by: {
    name: `${LISTED} AND (p.name_folded, p.policy_id) > ($3, $4) ORDER BY p.name_folded, p.policy_id LIMIT $5`,
    "-name": `${LISTED} AND (p.name_folded, p.policy_id) < ($3, $4) ORDER BY p.name_folded DESC, p.policy_id DESC LIMIT $5`,
    createdAt: `${LISTED} AND (p.created_at_ms, p.policy_id) > ($3, $4) ORDER BY p.created_at_ms, p.policy_id LIMIT $5`,
    "-createdAt": `${LISTED} AND (p.created_at_ms, p.policy_id) < ($3, $4) ORDER BY p.created_at_ms DESC, p.policy_id DESC LIMIT $5`,
  },
};

/** The managed policies of all tenants, and the built-in ones, which nobody changes. */
export class Policies {
  readonly #options: IdentityOptions;

  constructor(options: IdentityOptions) {
    this.#options = options;
  }

  /** A page of the built-in policies, by ARN, then of a tenant's own, by id. */
  async list(tenantId: string, wanted: PageWanted): Promise<Page<PolicyView>> {
    const { limit, cursor, q, sort } = wanted;
    const isAmongBuiltIn = cursor === "" || cursor.startsWith(builtInPrefix);
    const begin = sort === undefined && isAmongBuiltIn ? "" : cursor;
    const parameters = [tenantId, likePart(q)];
    const rows = await readSortedRows(this.#options.database, list, {
      ...{ parameters, sort, cursor: begin, limit: limit + 1 },
    });
    const stored = rows.map(showPolicy);
    const builtIn = listBuiltIn(q);
    if (sort !== undefined) return cutSorted([...builtIn, ...stored], { sort, cursor, limit });
    const found = [...(isAmongBuiltIn ? builtIn.filter(({ policyId }) => policyId > cursor) : []), ...stored];
    const items = found.slice(0, limit);
    return { items, nextCursor: found.length > limit ? (items.at(-1)?.policyId ?? null) : null };
  }

  /** One policy, by id, or by name or ARN of a built-in one. @throws ControlError NotFound */
  async get(tenantId: string, policyId: string): Promise<PolicyView> {
    const builtIn = findBuiltInPolicy(policyId);
    if (builtIn !== undefined) return showBuiltIn(builtIn);
    const sql = `${SHOWN} WHERE p.policy_id = $1 AND p.tenant_id = $2`;
    return showPolicy(requireRow(await this.#options.database.all(sql, [policyId, tenantId])));
  }

  /** The versions of a policy, newest first. @throws ControlError NotFound */
  async versions(tenantId: string, policyId: string): Promise<readonly PolicyVersion[]> {
    const found = requireRow(await this.#options.database.all(FIND, [policyId, tenantId]));
    const isDefault = readInteger(found, "default_version");
    const sql =
      "SELECT version, document, created_at_ms FROM policy_versions WHERE policy_id = $1 ORDER BY version DESC";
    return (await this.#options.database.all(sql, [policyId])).map((row) => ({
      version: readInteger(row, "version"),
      isDefault: readInteger(row, "version") === isDefault,
      document: readText(row, "document"),
      createdAtMs: readInteger(row, "created_at_ms"),
    }));
  }

  /** Makes a policy. @throws ControlError InvalidRequest (the text), Conflict */
  async create(actor: Actor, { name, path, description, document }: NewPolicy): Promise<PolicyView> {
    const { limits, publisher, random, clock } = this.#options;
    requirePolicy(document, "managed");
    if (findBuiltInPolicy(name) !== undefined) throw new ControlError("Conflict", "A built-in policy has this name");
    const policyId = makeUniqueId("ANPA", random);
    await runChange(this.#options, actor, async (queries) => {
      const { tenantId } = actor;
      requireNoBoundary(publisher, actor);
      const taken = "SELECT policy_id FROM managed_policies WHERE tenant_id = $1 AND name_folded = $2";
      if ((await queries.all(taken, [tenantId, name.toLowerCase()])).length > 0)
        throw new ControlError("Conflict", "There is a policy of this name");
      const counted = await queries.all("SELECT count(*) AS found FROM managed_policies WHERE tenant_id = $1", [
        tenantId,
      ]);
      requireRoom(
        counted,
        boundOf(publisher.entries("tenant").get(tenantId)?.limits.maxPolicies, limits.policies),
        "policies",
      );
      const nowMs = clock.nowMs();
      await queries.run(
        `INSERT INTO managed_policies (policy_id, tenant_id, path, name, name_folded, description, default_version,
           last_version, tags, created_at_ms, updated_at_ms, revision)
         VALUES ($1, $2, $3, $4, $5, $6, 1, 1, '[]', $7, $8, 1)`,
        [policyId, tenantId, path, name, name.toLowerCase(), description, nowMs, nowMs],
      );
      await insertVersion(queries, { policyId, version: 1, document, createdAtMs: nowMs });
      return this.#outcome(queries, [policyId, name], {
        action: "iam:CreatePolicy",
        change: { document: { after: document } },
      });
    });
    return this.get(actor.tenantId, policyId);
  }

  /** Adds a version, the default from now on when that is wanted. @throws ControlError InvalidRequest, NotFound, Conflict (five versions), PreconditionFailed */
  async addVersion(
    actor: Actor,
    policyId: string,
    given: { document: string; isDefault: boolean },
  ): Promise<PolicyView> {
    const { document, isDefault } = given;
    requirePolicy(document, "managed");
    const { limits, clock } = this.#options;
    await this.#change(actor, policyId, async (queries, row) => {
      const counted = await queries.all("SELECT count(*) AS found FROM policy_versions WHERE policy_id = $1", [
        policyId,
      ]);
      requireRoom(counted, limits.policyVersions, "versions of a policy; delete one first");
      const version = readInteger(row, "last_version") + 1;
      await insertVersion(queries, { policyId, version, document, createdAtMs: clock.nowMs() });
      await queries.run("UPDATE managed_policies SET last_version = $1 WHERE policy_id = $2", [version, policyId]);
      if (isDefault) await setDefault(queries, policyId, version);
      return {
        action: "iam:CreatePolicyVersion",
        change: { version: { after: version }, document: { after: document } },
      };
    });
    return this.get(actor.tenantId, policyId);
  }

  /** Makes a version the one that counts. @throws ControlError NotFound, PreconditionFailed */
  async setDefaultVersion(actor: Actor, policyId: string, version: number): Promise<PolicyView> {
    await this.#change(actor, policyId, async (queries, row) => {
      const sql = "SELECT version FROM policy_versions WHERE policy_id = $1 AND version = $2";
      if ((await queries.all(sql, [policyId, version])).length === 0) throw new ControlError("NotFound");
      await setDefault(queries, policyId, version);
      const before = readInteger(row, "default_version");
      return { action: "iam:SetDefaultPolicyVersion", change: { defaultVersion: { before, after: version } } };
    });
    return this.get(actor.tenantId, policyId);
  }

  /** Removes a version that is not the default. @throws ControlError NotFound, Conflict, PreconditionFailed */
  async removeVersion(actor: Actor, policyId: string, version: number): Promise<PolicyView> {
    await this.#change(actor, policyId, async (queries, row) => {
      if (readInteger(row, "default_version") === version)
        throw new ControlError("Conflict", "The default version stays");
      const sql = "DELETE FROM policy_versions WHERE policy_id = $1 AND version = $2";
      if ((await queries.run(sql, [policyId, version])) === 0) throw new ControlError("NotFound");
      return { action: "iam:DeletePolicyVersion", change: { version: { before: version } } };
    });
    return this.get(actor.tenantId, policyId);
  }

  /** Removes a policy that nobody has. @throws ControlError NotFound, Conflict while it is attached or a boundary, PreconditionFailed */
  remove(actor: Actor, policyId: string): Promise<void> {
    return runChange(this.#options, actor, async (queries) => {
      requireNoBoundary(this.#options.publisher, actor);
      const row = requireRow(await queries.all(FIND, [policyId, actor.tenantId]), actor.revision);
      for (const sql of usesSql) {
        if ((await queries.all(sql, [policyId])).length > 0)
          throw new ControlError("Conflict", "The policy is attached, or somebody's boundary");
      }
      await queries.run("DELETE FROM policy_versions WHERE policy_id = $1", [policyId]);
      await queries.run("DELETE FROM managed_policies WHERE policy_id = $1", [policyId]);
      const resource = { kind: "policy", id: policyId, name: readText(row, "name") };
      return {
        value: undefined,
        changes: [{ kind: "policy", id: policyId, value: null }],
        event: { action: "iam:DeletePolicy", resource },
      };
    });
  }

  #change(
    actor: Actor,
    policyId: string,
    work: (queries: ControlQueries, row: SqlRow) => Promise<Pick<Outcome<void>["event"], "action" | "change">>,
  ): Promise<void> {
    return runChange(this.#options, actor, async (queries) => {
      requireNoBoundary(this.#options.publisher, actor);
      const row = requireRow(await queries.all(FIND, [policyId, actor.tenantId]), actor.revision);
      requirePolicyReach(this.#options.publisher, actor, policyId);
      const told = await work(queries, row);
      const nowMs = this.#options.clock.nowMs();
      const sql = "UPDATE managed_policies SET revision = revision + 1, updated_at_ms = $1 WHERE policy_id = $2";
      await queries.run(sql, [nowMs, policyId]);
      return this.#outcome(queries, [policyId, readText(row, "name")], told);
    });
  }

  async #outcome(
    queries: ControlQueries,
    [policyId, name]: readonly [policyId: string, name: string],
    told: Pick<Outcome<void>["event"], "action" | "change">,
  ): Promise<Outcome<void>> {
    const value = (await readPolicyEntry(queries, policyId)) ?? null;
    const resource = { kind: "policy", id: policyId, name, ...(value !== null && { arn: value.arn }) };
    return { value: undefined, changes: [{ kind: "policy", id: policyId, value }], event: { ...told, resource } };
  }
}

const usesSql = [
  "SELECT identity_id FROM policy_attachments WHERE policy_id = $1 LIMIT 1",
  "SELECT user_id FROM users WHERE boundary_policy_id = $1 LIMIT 1",
  "SELECT role_id FROM roles WHERE boundary_policy_id = $1 LIMIT 1",
];

async function insertVersion(
  queries: ControlQueries,
  { policyId, version, document, createdAtMs }: Omit<PolicyVersion, "isDefault"> & { readonly policyId: string },
): Promise<void> {
  await queries.run(
    "INSERT INTO policy_versions (policy_id, version, document, created_at_ms) VALUES ($1, $2, $3, $4)",
    [policyId, version, document, createdAtMs],
  );
}

async function setDefault(queries: ControlQueries, policyId: string, version: number): Promise<void> {
  await queries.run("UPDATE managed_policies SET default_version = $1 WHERE policy_id = $2", [version, policyId]);
}

function showPolicy(row: SqlRow): PolicyView {
  const [name, path] = [readText(row, "name"), readText(row, "path")];
  return {
    policyId: readText(row, "policy_id"),
    arn: identityArn(readText(row, "account_id"), "policy", { path, name }),
    name,
    path,
    description: readText(row, "description"),
    document: readText(row, "document"),
    defaultVersion: readInteger(row, "default_version"),
    isBuiltIn: false,
    attachmentCount: readInteger(row, "found"),
    createdAtMs: readInteger(row, "created_at_ms"),
    updatedAtMs: readInteger(row, "updated_at_ms"),
    revision: readInteger(row, "revision"),
  };
}

/** A page of policies, the built-in ones in their places among the others. */
function cutSorted(
  policies: readonly PolicyView[],
  { sort, cursor, limit }: { readonly sort: NameSort; readonly cursor: string; readonly limit: number },
): Page<PolicyView> {
  const sign = sort.startsWith("-") ? -1 : 1;
  const placeOf = (view: PolicyView): PageStart => ({
    value: sort.endsWith("name") ? view.name.toLowerCase() : view.createdAtMs,
    id: view.policyId,
  });
  const compare = (a: PageStart, b: PageStart) =>
    sign * (a.value === b.value ? compareValues(a.id, b.id) : compareValues(a.value, b.value));
  const start = startOf(sort, cursor);
  const found = policies
    .filter((view) => compare(placeOf(view), start) > 0)
    .toSorted((a, b) => compare(placeOf(a), placeOf(b)));
  const items = found.slice(0, limit);
  const last = items.at(-1);
  return { items, nextCursor: found.length > limit && last ? renderCursor(sort, placeOf(last)) : null };
}

function compareValues(a: string | number, b: string | number): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Built-in policies with this part in their name, by ARN. */
function listBuiltIn(q: string): readonly PolicyView[] {
  const wanted = builtInPolicies.filter(({ name }) => name.toLowerCase().includes(q.toLowerCase()));
  return wanted.map(showBuiltIn).toSorted((a, b) => (a.policyId < b.policyId ? -1 : 1));
}

function showBuiltIn({ name, description, text }: BuiltInPolicy): PolicyView {
  const arn = builtInPrefix + name;
  const never = { defaultVersion: 0, attachmentCount: 0, createdAtMs: 0, updatedAtMs: 0, revision: 0 };
  return { policyId: arn, arn, name, path: "/", description, document: text, isBuiltIn: true, ...never };
}
