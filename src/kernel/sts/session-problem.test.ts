import { expect, test } from "bun:test";
import { testTenant, testUser } from "#testing/identities.ts";
import { testIssuedAtMs, testSession } from "#testing/session-content.ts";
import type { RoleEntry } from "../protocol/identities.ts";
import { findSessionProblem, type SessionRecords } from "./session-problem.ts";

const role: RoleEntry = {
  roleId: "AROATESTROLE00000000",
  tenantId: testTenant.tenantId,
  ...{ name: "r", path: "/", policyIds: [], inlinePolicies: [], tags: [], boundaryPolicyId: null },
};
const assumed = { ...testSession, principalId: role.roleId, lineage: [testUser.userId, "ASIAPARENT"] };
const accessKeyId = "ASIATEST";

function find(change: Partial<SessionRecords> = {}, nowMs = testIssuedAtMs, content = assumed) {
  const records: SessionRecords = {
    tenant: new Map([[testTenant.tenantId, testTenant]]),
    user: new Map([[testUser.userId, testUser]]),
    role: new Map([[role.roleId, role]]),
    revocation: new Map(),
    ...change,
  };
  return findSessionProblem({ accessKeyId, content }, records, nowMs)?.kind;
}

function revoked(revocationId: string, beforeMs: number): Partial<SessionRecords> {
  return { revocation: new Map([[revocationId, { revocationId, beforeMs }]]) };
}

test("findSessionProblem: a session counts until the ms of its end", () => {
  expect([find({}, assumed.expiresAtMs - 1), find({}, assumed.expiresAtMs)]).toEqual([undefined, "expired"]);
});

test("findSessionProblem: revoked by its id, its role, its user and the session that made it, if issued before", () => {
  for (const id of [accessKeyId, role.roleId, testUser.userId, "ASIAPARENT"]) {
    expect([id, find(revoked(id, testIssuedAtMs + 1))]).toEqual([id, "revoked"]);
    expect([id, find(revoked(id, testIssuedAtMs))]).toEqual([id, undefined]);
  }
  expect(find(revoked("ASIAOTHER", testIssuedAtMs + 1))).toBeUndefined();
});

test("findSessionProblem: gone with role, user or tenant; suspended with user or tenant", () => {
  expect(find({ role: new Map() })).toBe("gone");
  expect(find({ user: new Map() })).toBe("gone");
  expect(find({ tenant: new Map() })).toBe("gone");
  expect(find({ role: new Map([[role.roleId, { ...role, tenantId: "other" }]]) })).toBe("gone");
  expect(find({ user: new Map([[testUser.userId, { ...testUser, status: "suspended" }]]) })).toBe("suspended");
  expect(find({ tenant: new Map([[testTenant.tenantId, { ...testTenant, status: "suspended" }]]) })).toBe("suspended");
  expect(find({ user: new Map() }, testIssuedAtMs, { ...testSession, lineage: [] })).toBe("gone");
});

test("findSessionProblem: in a tenant that is not the user's a session counts while he is a global administrator and it is active", () => {
  const home = { ...testTenant, tenantId: "home" };
  const entered = { ...testSession, lineage: [] };
  const findEntered = (user: object, tenant: object = {}) =>
    find(
      {
        tenant: new Map([
          ["home", home],
          [testTenant.tenantId, { ...testTenant, ...tenant }],
        ]),
        user: new Map([[testUser.userId, { ...testUser, tenantId: "home", global: true, ...user }]]),
      },
      testIssuedAtMs,
      entered,
    );
  expect(findEntered({})).toBeUndefined();
  expect(findEntered({ global: false })).toBe("gone");
  expect(findEntered({ status: "suspended" })).toBe("suspended");
  expect(findEntered({}, { status: "suspended" })).toBe("suspended");
});
