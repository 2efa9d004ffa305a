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

const TENANTS =
  "SELECT tenant_id, slug, display_name, account_id, canonical_id, status, limits FROM tenants ORDER BY tenant_id";
const USERS = `SELECT user_id, tenant_id, name, path, is_global, status, tags, boundary_policy_id
  FROM users ORDER BY user_id`;
const GROUPS = "SELECT group_id, tenant_id, name, path FROM user_groups ORDER BY group_id";
const ROLES = "SELECT role_id, tenant_id, name, path, tags, boundary_policy_id FROM roles ORDER BY role_id";
const POLICIES = `SELECT p.policy_id, p.tenant_id, p.path, p.name, t.account_id, v.document
  FROM managed_policies p JOIN tenants t ON t.tenant_id = p.tenant_id
  JOIN policy_versions v ON v.policy_id = p.policy_id AND v.version = p.default_version ORDER BY p.policy_id`;

/** Reads all identities and managed policies, in a handful of statements however many there are. */
export async function readIdentities(queries: Queries): Promise<IdentityEntries> {
  const held = await readHeldPolicies(queries);
  const members = group(await queries.all("SELECT user_id, group_id FROM group_members ORDER BY group_id"), (row) => [
    readText(row, "user_id"),
    readText(row, "group_id"),
  ]);
  return {
    tenant: (await queries.all(TENANTS)).map(readTenantEntry),
    user: (await queries.all(USERS)).map((row) => readUser(row, held, members)),
    group: (await queries.all(GROUPS)).map((row) => readGroup(row, held)),
    role: (await queries.all(ROLES)).map((row) => readRole(row, held)),
    policy: (await queries.all(POLICIES)).map(readPolicy),
  };
}

/** A row of `tenants`. */
function readTenantEntry(row: SqlRow): TenantEntry {
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
  const attachments = await queries.all("SELECT identity_id, policy_id FROM policy_attachments ORDER BY policy_id");
  const inline = await queries.all("SELECT identity_id, name, document FROM inline_policies ORDER BY name");
  return {
    attached: group(attachments, (row) => [readText(row, "identity_id"), readText(row, "policy_id")]),
    inline: group(inline, (row) => [
      readText(row, "identity_id"),
      { name: readText(row, "name"), text: readText(row, "document") },
    ]),
  };
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
  const arn = `arn:aws:iam::${readText(row, "account_id")}:policy${readText(row, "path")}${readText(row, "name")}`;
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
