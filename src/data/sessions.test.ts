import { expect, test } from "bun:test";
import type { RoleEntry } from "#kernel/protocol/identities.ts";
import type { SnapshotChange } from "#kernel/protocol/snapshot.ts";
import type { SessionContent } from "#kernel/sts/session-content.ts";
import { sealSessionToken } from "#kernel/sts/session-token.ts";
import { testDataSettings } from "#testing/data-settings.ts";
import { entriesWith, policyOf, testKey, testTenant, testUser } from "#testing/identities.ts";
import { testIssuedAtMs, testSession } from "#testing/session-content.ts";
import { authorize, bucketResource, type SessionIdentity } from "./authorize.ts";
import { SnapshotStore } from "./snapshot-store.ts";

const key = { keyId: "01020304", key: new Uint8Array(32).fill(1) };
const role: RoleEntry = {
  roleId: "AROATESTROLE00000000",
  tenantId: testTenant.tenantId,
  ...{ name: "builder", path: "/ops/", policyIds: [], boundaryPolicyId: null },
  inlinePolicies: [
    { name: "p", text: policyOf([{ actions: ["s3:*"], resources: ["arn:aws:s3:::$" + "{aws:PrincipalTag/team}/*"] }]) },
  ],
  tags: [
    ["Team", "red"],
    ["stage", "prod"],
  ],
};
const assumed: SessionContent = {
  ...testSession,
  principalId: role.roleId,
  sessionName: "nightly",
  sourceIdentity: "carol",
  tags: [["team", "blue"]],
  lineage: [testUser.userId],
};
const accessKeyId = "ASIATEST";

function open() {
  const entries = entriesWith({ role: [role], tokenKey: [key], key: [testKey] });
  const store = new SnapshotStore({ number: 1, entries, settings: testDataSettings });
  const change = (...changes: SnapshotChange[]) => store.apply({ number: store.number + 1, changes });
  return { store, change };
}

function tokenOf(content: SessionContent, sealedBy = key): string {
  return sealSessionToken(content, { key: sealedBy, accessKeyId, nonce: new Uint8Array(12) });
}

function find(store: SnapshotStore, content = assumed, nowMs = testIssuedAtMs) {
  return store.sessions.find(accessKeyId, tokenOf(content), nowMs);
}

function identityOf(store: SnapshotStore, content = assumed) {
  const found = find(store, content);
  if (found.kind !== "session") throw new Error(found.kind);
  return found.identity;
}

function allows(identity: SessionIdentity, action: string, bucket: string): boolean {
  const resource = bucketResource({ name: bucket, accountId: testTenant.accountId }, "k");
  return authorize(identity, { action, resource, values: identity.values }).outcome === "allow";
}

test("Sessions: an assumed role is the role of the snapshot, with the tags of the session before its own", () => {
  const { store } = open();
  const { arn, values, caller, session } = identityOf(store);
  expect(arn).toBe("arn:aws:sts::123456789012:assumed-role/builder/nightly");
  expect(caller).toMatchObject({ kind: "role", roleId: role.roleId, sessionId: `${role.roleId}:nightly` });
  expect(Object.fromEntries(values)).toEqual({
    "aws:userid": `${role.roleId}:nightly`,
    "aws:PrincipalArn": "arn:aws:iam::123456789012:role/ops/builder",
    "aws:PrincipalAccount": "123456789012",
    "aws:PrincipalType": "AssumedRole",
    "aws:PrincipalTag/team": "blue",
    "aws:PrincipalTag/stage": "prod",
    "aws:TokenIssueTime": "2026-01-02T03:04:05.000Z",
    "aws:MultiFactorAuthPresent": "false",
    "aws:SourceIdentity": "carol",
  });
  expect(session.keyId).toBe(testKey.accessKeyId);
  expect([allows(identityOf(store), "s3:GetObject", "blue"), allows(identityOf(store), "s3:GetObject", "red")]).toEqual(
    [true, false],
  );
});

test("Sessions: every link of the chain must allow", () => {
  const { store } = open();
  const links = (...texts: string[]) => ({
    ...assumed,
    chain: texts.map((text) => ({ layer: "sessionPolicy" as const, texts: [text], policyIds: [] })),
  });
  const gets = policyOf([{ actions: ["s3:GetObject"], resources: ["*"] }]);
  const puts = policyOf([{ actions: ["s3:PutObject"], resources: ["*"] }]);
  const all = (content: SessionContent) =>
    ["s3:GetObject", "s3:PutObject"].map((action) => allows(identityOf(store, content), action, "blue"));
  expect([all(assumed), all(links(gets)), all(links(gets, puts)), all(links("{"))]).toEqual([
    ...[
      [true, true],
      [true, false],
      [false, false],
      [false, false],
    ],
  ]);
  const byId = {
    ...assumed,
    chain: [{ layer: "boundary" as const, texts: [], policyIds: ["arn:aws:iam::aws:policy/readonly"] }],
  };
  const gone = { ...assumed, chain: [{ layer: "boundary" as const, texts: [], policyIds: ["ANPAGONE"] }] };
  expect([all(byId), all(gone)]).toEqual([
    [true, false],
    [false, false],
  ]);
});

test("Sessions: policies of the role count as they are now", () => {
  const { store, change } = open();
  expect(allows(identityOf(store), "s3:GetObject", "blue")).toBe(true);
  change({ kind: "role", id: role.roleId, value: { ...role, inlinePolicies: [] } });
  expect(allows(identityOf(store), "s3:GetObject", "blue")).toBe(false);
  change({ kind: "role", id: role.roleId, value: null });
  expect(find(store).kind).toBe("gone");
});

test("Sessions: expired, revoked, suspended, and none after its token key is retired; each at once, though it was known", () => {
  const { store, change } = open();
  expect([find(store).kind, find(store, assumed, assumed.expiresAtMs).kind, find(store).kind]).toEqual([
    "session",
    "expired",
    "session",
  ]);
  const revocation = { revocationId: accessKeyId, beforeMs: assumed.expiresAtMs };
  change({ kind: "revocation", id: accessKeyId, value: revocation });
  expect(find(store).kind).toBe("revoked");
  change({ kind: "revocation", id: accessKeyId, value: null });
  change({ kind: "user", id: testUser.userId, value: { ...testUser, status: "suspended" } });
  expect(find(store).kind).toBe("suspended");
  change({ kind: "user", id: testUser.userId, value: testUser });
  expect(find(store).kind).toBe("session");
  const next = { keyId: "05060708", key: new Uint8Array(32).fill(2) };
  change({ kind: "tokenKey", id: next.keyId, value: next });
  expect(find(store).kind).toBe("session");
  change({ kind: "tokenKey", id: key.keyId, value: null });
  expect(find(store).kind).toBe("invalid");
  expect(store.sessions.find(accessKeyId, tokenOf(assumed, next), testIssuedAtMs).kind).toBe("session");
});

test("Sessions: a token counts with its own access key alone, another token of the same id does not stay in memory", () => {
  const { store } = open();
  expect(find(store).kind).toBe("session");
  expect(store.sessions.find("ASIAOTHER", tokenOf(assumed), testIssuedAtMs).kind).toBe("invalid");
  expect(store.sessions.find(testKey.accessKeyId, tokenOf(assumed), testIssuedAtMs).kind).toBe("invalid");
  expect(store.sessions.find(accessKeyId, "MX1.AAAA", testIssuedAtMs).kind).toBe("invalid");
  expect(find(store).kind).toBe("session");
  const own = { ...testSession, mfaAtMs: testIssuedAtMs };
  const { values, arn } = identityOf(store, own);
  expect([values.get("aws:MultiFactorAuthPresent"), values.get("aws:username"), arn]).toEqual([
    ...["true", "user", "arn:aws:iam::123456789012:user/user"],
  ]);
});
