import { identityArn } from "#kernel/policy/identity-arn.ts";
import type {
  GroupEntry,
  IdentityStatus,
  IdentityTag,
  InlinePolicy,
  PolicyEntry,
  RoleEntry,
  TenantEntry,
  TenantLimits,
  UserEntry,
} from "#kernel/protocol/identities.ts";
import type { SnapshotEntries } from "#kernel/protocol/snapshot.ts";
import type { ControlQueries, SqlRow } from "../database/control-database.ts";
import { readInteger, readJson, readText } from "../database/row-values.ts";

/** Everything about identities that workers know, but for the access keys. */
export type IdentityEntries = {
  readonly [Kind in "tenant" | "user" | "group" | "role" | "policy"]: readonly SnapshotEntries[Kind][];
};

type Queries = Pick<ControlQueries, "all">;
type ById<Value> = ReadonlyMap<string, readonly Value[]>;

const TENANTS = "SELECT tenant_id, slug, display_name, account_id, canonical_id, status, limits FROM tenants";
const USERS = "SELECT user_id, tenant_id, name, path, is_global, status, tags, boundary_policy_id FROM users";
const GROUPS = "SELECT group_id, tenant_id, name, path FROM user_groups";
const ROLES = "SELECT role_id, tenant_id, name, path, tags, boundary_policy_id FROM roles";
const POLICIES = `SELECT p.policy_id, p.tenant_id, p.path, p.name, t.account_id, v.document
  FROM managed_policies p JOIN tenants t ON t.tenant_id = p.tenant_id
  JOIN policy_versions v ON v.policy_id = p.policy_id AND v.version = p.default_version`;
const MEMBERSHIPS = "SELECT user_id, group_id FROM group_members";
const ATTACHMENTS = "SELECT identity_id, policy_id FROM policy_attachments";
const INLINE = "SELECT identity_id, name, document FROM inline_policies";

/** Reads all identities and managed policies, in a handful of statements however many there are. */
export async function readIdentities(queries: Queries): Promise<IdentityEntries> {
  const held = await readHeldPolicies(queries);
  const members = groupMembers(await queries.all(`${MEMBERSHIPS} ORDER BY group_id`));
  return {
    tenant: (await queries.all(`${TENANTS} ORDER BY tenant_id`)).map(readTenant),
    user: (await queries.all(`${USERS} ORDER BY user_id`)).map((row) => readUser(row, held, members)),
    group: (await queries.all(`${GROUPS} ORDER BY group_id`)).map((row) => readGroup(row, held)),
    role: (await queries.all(`${ROLES} ORDER BY role_id`)).map((row) => readRole(row, held)),
    policy: (await queries.all(`${POLICIES} ORDER BY p.policy_id`)).map(readPolicy),
  };
}

/** One tenant; undefined when there is none. */
export async function readTenantEntry(queries: Queries, tenantId: string): Promise<TenantEntry | undefined> {
  const [row] = await queries.all(`${TENANTS} WHERE tenant_id = $1`, [tenantId]);
  return row && readTenant(row);
}

/** One user; undefined when there is none. */
export async function readUserEntry(queries: Queries, userId: string): Promise<UserEntry | undefined> {
  const [row] = await queries.all(`${USERS} WHERE user_id = $1`, [userId]);
  if (row === undefined) return undefined;
  const members = groupMembers(await queries.all(`${MEMBERSHIPS} WHERE user_id = $1 ORDER BY group_id`, [userId]));
  return readUser(row, await readHeldBy(queries, userId), members);
}

/** One group; undefined when there is none. */
export async function readGroupEntry(queries: Queries, groupId: string): Promise<GroupEntry | undefined> {
  const [row] = await queries.all(`${GROUPS} WHERE group_id = $1`, [groupId]);
  return row && readGroup(row, await readHeldBy(queries, groupId));
}

/** One role; undefined when there is none. */
export async function readRoleEntry(queries: Queries, roleId: string): Promise<RoleEntry | undefined> {
  const [row] = await queries.all(`${ROLES} WHERE role_id = $1`, [roleId]);
  return row && readRole(row, await readHeldBy(queries, roleId));
}

/** The default version of one managed policy; undefined when there is none. */
export async function readPolicyEntry(queries: Queries, policyId: string): Promise<PolicyEntry | undefined> {
  const [row] = await queries.all(`${POLICIES} WHERE p.policy_id = $1`, [policyId]);
  return row && readPolicy(row);
}

function readTenant(row: SqlRow): TenantEntry {
  return {
    tenantId: readText(row, "tenant_id"),
    slug: readText(row, "slug"),
    displayName: readText(row, "display_name"),
    accountId: readText(row, "account_id"),
    canonicalId: readText(row, "canonical_id"),
    status: readStatus(row),
    limits: readLimits(row, "limits"),
  };
}

/** A JSON object of bounds; what is not a number or null is left out. */
export function readLimits(row: SqlRow, column: string): TenantLimits {
  const value = readJson(row, column);
  if (typeof value !== "object" || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).filter(([, limit]) => limit === null || (Number.isSafeInteger(limit) && limit >= 0)),
  );
}

interface HeldPolicies {
  readonly attached: ById<string>;
  readonly inline: ById<InlinePolicy>;
}

async function readHeldPolicies(queries: Queries): Promise<HeldPolicies> {
  return groupHeld(
    await queries.all(`${ATTACHMENTS} ORDER BY policy_id`),
    await queries.all(`${INLINE} ORDER BY name`),
  );
}

async function readHeldBy(queries: Queries, identityId: string): Promise<HeldPolicies> {
  return groupHeld(
    await queries.all(`${ATTACHMENTS} WHERE identity_id = $1 ORDER BY policy_id`, [identityId]),
    await queries.all(`${INLINE} WHERE identity_id = $1 ORDER BY name`, [identityId]),
  );
}

function groupHeld(attachments: readonly SqlRow[], inline: readonly SqlRow[]): HeldPolicies {
  return {
    attached: group(attachments, (row) => [readText(row, "identity_id"), readText(row, "policy_id")]),
    inline: group(inline, (row) => [
      readText(row, "identity_id"),
      { name: readText(row, "name"), text: readText(row, "document") },
    ]),
  };
}

function groupMembers(rows: readonly SqlRow[]): ById<string> {
  return group(rows, (row) => [readText(row, "user_id"), readText(row, "group_id")]);
}

function group<Value>(rows: readonly SqlRow[], read: (row: SqlRow) => readonly [string, Value]): ById<Value> {
  const groups = new Map<string, Value[]>();
  for (const row of rows) {
    const [id, value] = read(row);
    const found = groups.get(id);
    if (found === undefined) groups.set(id, [value]);
    else found.push(value);
  }
  return groups;
}

function readHolder(row: SqlRow, id: string, { attached, inline }: HeldPolicies) {
  return {
    tenantId: readText(row, "tenant_id"),
    name: readText(row, "name"),
    path: readText(row, "path"),
    policyIds: attached.get(id) ?? [],
    inlinePolicies: inline.get(id) ?? [],
  };
}

function readUser(row: SqlRow, held: HeldPolicies, groups: ById<string>): UserEntry {
  const userId = readText(row, "user_id");
  return {
    userId,
    ...readHolder(row, userId, held),
    global: readInteger(row, "is_global") === 1,
    status: readStatus(row),
    tags: readTags(row),
    boundaryPolicyId: readBoundary(row),
    groupIds: groups.get(userId) ?? [],
  };
}

function readGroup(row: SqlRow, held: HeldPolicies): GroupEntry {
  const groupId = readText(row, "group_id");
  return { groupId, ...readHolder(row, groupId, held) };
}

function readRole(row: SqlRow, held: HeldPolicies): RoleEntry {
  const roleId = readText(row, "role_id");
  return { roleId, ...readHolder(row, roleId, held), tags: readTags(row), boundaryPolicyId: readBoundary(row) };
}

function readPolicy(row: SqlRow): PolicyEntry {
  const named = { path: readText(row, "path"), name: readText(row, "name") };
  const arn = identityArn(readText(row, "account_id"), "policy", named);
  return {
    policyId: readText(row, "policy_id"),
    tenantId: readText(row, "tenant_id"),
    arn,
    text: readText(row, "document"),
  };
}

/** Whatever is not active is treated as suspended. */
function readStatus(row: SqlRow): IdentityStatus {
  return row["status"] === "active" ? "active" : "suspended";
}

function readBoundary(row: SqlRow): string | null {
  return row["boundary_policy_id"] === null ? null : readText(row, "boundary_policy_id");
}

function readTags(row: SqlRow): readonly IdentityTag[] {
  const value = readJson(row, "tags");
  if (!Array.isArray(value)) throw new TypeError("Tags are no list");
  return value.map((tag: unknown) => {
    if (!Array.isArray(tag) || tag.length !== 2) throw new TypeError("A tag is no pair");
    return [String(tag[0]), String(tag[1])];
  });
}
