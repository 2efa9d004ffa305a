import type { KeyEntry, TenantEntry, UserEntry } from "#kernel/protocol/identities.ts";
import type { Snapshot } from "#kernel/protocol/snapshot.ts";

/** Actions on resources, in short: one statement that allows. */
export interface Grant {
  readonly actions: readonly string[];
  readonly resources: readonly string[];
}

/** The tenant of `testUser` and `testKey`. */
export const testTenant: TenantEntry = {
  tenantId: "tenant",
  slug: "default",
  displayName: "owner",
  accountId: "123456789012",
  canonicalId: "c".repeat(64),
  status: "active",
  limits: {},
};

/** A user without any right. */
export const testUser: UserEntry = {
  userId: "AIDATESTUSER00000000",
  tenantId: testTenant.tenantId,
  name: "user",
  path: "/",
  policyIds: [],
  inlinePolicies: [],
  global: false,
  status: "active",
  tags: [],
  boundaryPolicyId: null,
  groupIds: [],
};

/** A key of `testUser`. */
export const testKey: KeyEntry = {
  accessKeyId: "AKIA",
  secretKey: "secret",
  enabled: true,
  userId: testUser.userId,
  tenantId: testTenant.tenantId,
  expiresAtMs: null,
  narrowing: [],
  limits: {},
};

/** The text of a policy that allows this much; nothing at all for no grants. */
export function policyOf(grants: readonly Grant[]): string {
  const allowed = grants.map(({ actions, resources }) => ({ Effect: "Allow", Action: actions, Resource: resources }));
  const nothing = [{ Effect: "Deny", Action: "*", Resource: "*" }];
  return JSON.stringify({ Version: "2012-10-17", Statement: allowed.length > 0 ? allowed : nothing });
}

/** A user whose only policy allows this much. */
export function userWith(grants: readonly Grant[], change: Partial<UserEntry> = {}): UserEntry {
  const inlinePolicies = grants.length === 0 ? [] : [{ name: "grants", text: policyOf(grants) }];
  return { ...testUser, inlinePolicies, ...change };
}

/** Entries of a snapshot: the test tenant, and what is given. */
export function entriesWith(given: Partial<Snapshot["entries"]> = {}): Snapshot["entries"] {
  const none = { group: [], role: [], policy: [], key: [], tokenKey: [], revocation: [], bucket: [] };
  return { tenant: [testTenant], user: [testUser], ...none, ...given };
}
