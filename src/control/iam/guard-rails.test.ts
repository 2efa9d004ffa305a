import { afterEach, expect, test } from "bun:test";
import { openConsole } from "#testing/opened-console.ts";
import { closeControls } from "#testing/opened-control.ts";

afterEach(closeControls);

type Statement = Readonly<Record<string, unknown>>;

const allow = (...actions: string[]): Statement => ({ Effect: "Allow", Action: actions, Resource: "*" });
const deny = (action: string | readonly string[], condition?: object): Statement => ({
  ...{ Effect: "Deny", Action: action, Resource: "*" },
  ...(condition && { Condition: condition }),
});

/** A console with its administrator logged in, who makes further users. */
async function open() {
  const opened = await openConsole({ "security.ratelimit_enabled": false });
  const root = await opened.loggedIn();
  const edit = { headers: { "if-match": "*" } };
  const make = async (name: string, more: object = {}): Promise<string> =>
    (await root.call("users", { body: { name, ...more } })).body.userId;
  /** A user whom these statements say everything about, logged in. */
  const logInAs = async (name: string, statements: readonly Statement[], more: object = {}) => {
    const userId = await make(name, more);
    const document = JSON.stringify({ Version: "2012-10-17", Statement: statements });
    await root.call(`users/${userId}/inline-policies/all`, { method: "PUT", body: { document }, ...edit });
    const { password } = (await root.call(`users/${userId}/password-reset`, { method: "POST" })).body;
    const client = opened.client();
    await client.logIn(name, password);
    expect((await client.call("me/password", { body: { password: "My-Own-Horse-77" } })).status).toBe(204);
    const send = async (method: string, path: string, ...rest: [body?: object, headers?: Record<string, string>]) => {
      const [body, headers = {}] = rest;
      return client.call(path, { method, ...(body && { body }), headers: { ...edit.headers, ...headers } });
    };
    const status = async (...call: Parameters<typeof send>) => (await send(...call)).status;
    return { userId, send, status };
  };
  const admin = (await root.call("users?q=admin")).body.items[0].userId;
  return { ...opened, root, make, logInAs, edit, admin };
}

test("guard rails: a Deny on the policies that may be attached, or on boundaries, holds", async () => {
  const { logInAs, make, root } = await open();
  const other = await make("other");
  const bound = (await root.call("policies", { body: { name: "bound", document: policy(allow("s3:*")) } })).body;
  const ops = await logInAs("ops", [
    allow("iam:*"),
    deny("iam:Attach*", { ArnLike: { "iam:PolicyARN": "arn:aws:iam::aws:policy/*" } }),
    deny("iam:CreateUser", { ArnNotEquals: { "iam:PermissionsBoundary": bound.arn } }),
    deny("iam:PutUserPolicy", { Null: { "iam:PermissionsBoundary": "true" } }),
  ]);
  for (const name of ["consoleAdmin", "arn:aws:iam::aws:policy/consoleAdmin", "AmazonS3FullAccess"])
    expect([name, await ops.status("PUT", `users/${other}/policies/${encodeURIComponent(name)}`)]).toEqual([name, 403]);
  expect(await ops.status("PUT", `users/${other}/policies/${bound.policyId}`)).toBe(204);
  expect(await ops.status("DELETE", `users/${other}/policies/${bound.policyId}`)).toBe(204);
  expect(await ops.status("POST", "users", { name: "free" })).toBe(403);
  expect(await ops.status("POST", "users", { name: "bounded", boundary: bound.policyId })).toBe(201);
  const body = { document: policy(allow("s3:GetObject")) };
  expect(await ops.status("PUT", `users/${other}/inline-policies/x`, body)).toBe(403);
  await root.call(`users/${other}`, {
    method: "PATCH",
    body: { boundary: bound.policyId },
    headers: { "if-match": "*" },
  });
  expect(await ops.status("PUT", `users/${other}/inline-policies/x`, body)).toBe(204);
});

test("guard rails: each part of an edit asks for its own action, a move for both ARNs", async () => {
  const { logInAs, make, root } = await open();
  const other = await make("other", { path: "/dev/", tags: { team: "blue" } });
  const trust = JSON.stringify({
    Version: "2012-10-17",
    Statement: { Effect: "Allow", Principal: { AWS: "*" }, Action: "sts:AssumeRole" },
  });
  const { roleId } = (await root.call("roles", { body: { name: "super", trustPolicy: trust } })).body;
  const parts = [
    ["iam:UpdateUser", `users/${other}`, { name: "another" }],
    ["iam:TagUser", `users/${other}`, { tags: { team: "red" } }],
    ["iam:UntagUser", `users/${other}`, { tags: {} }],
    ["iam:PutUserPermissionsBoundary", `users/${other}`, { boundary: "readonly" }],
    ["iam:DeleteUserPermissionsBoundary", `users/${other}`, { boundary: null }],
    ["iam:UpdateRole", `roles/${roleId}`, { description: "d" }],
    ["iam:TagRole", `roles/${roleId}`, { tags: { a: "b" } }],
    ["iam:UpdateAssumeRolePolicy", `roles/${roleId}`, { trustPolicy: trust }],
    ["iam:PutRolePermissionsBoundary", `roles/${roleId}`, { boundary: "readonly" }],
    ["iam:DeleteRolePermissionsBoundary", `roles/${roleId}`, { boundary: null }],
  ] as const;
  for (const [index, [action, path, body]] of parts.entries()) {
    const without = await logInAs(`without${index}`, [allow("iam:*"), deny(action)]);
    expect([action, await without.status("PATCH", path, body)]).toEqual([action, 403]);
    const only = await logInAs(`only${index}`, [allow(action)]);
    expect([action, await only.status("PATCH", path, body)]).toEqual([action, 200]);
  }
  const dev = { Effect: "Allow", Action: "iam:UpdateUser", Resource: "arn:aws:iam::*:user/dev/*" };
  const mover = await logInAs("mover", [dev]);
  expect(await mover.status("PATCH", `users/${other}`, { path: "/admins/" })).toBe(403);
  expect(await mover.status("PATCH", `users/${other}`, { name: "moved" })).toBe(200);
  expect(await mover.status("PATCH", `users/${other}`, {})).toBe(200);
});

test("guard rails: tags that a call sets or a user has, the account, and TLS are there for conditions", async () => {
  const { logInAs, make } = await open();
  const [blue, red] = [await make("blue", { tags: { team: "blue" } }), await make("red", { tags: { team: "red" } })];
  const lead = await logInAs("lead", [
    { ...allow("iam:DeleteUser"), Condition: { StringEquals: { "aws:ResourceTag/team": "red" } } },
    { ...allow("iam:CreateUser", "iam:TagUser"), Condition: { StringEquals: { "aws:RequestTag/team": "red" } } },
    deny("iam:*", { "ForAnyValue:StringEquals": { "aws:TagKeys": "admin" } }),
  ]);
  expect(await lead.status("DELETE", `users/${blue}`)).toBe(403);
  expect(await lead.status("DELETE", `users/${red}`)).toBe(204);
  expect(await lead.status("POST", "users", { name: "a", tags: { team: "blue" } })).toBe(403);
  expect(await lead.status("POST", "users", { name: "a", tags: { team: "red", admin: "yes" } })).toBe(403);
  expect(await lead.status("POST", "users", { name: "a", tags: { team: "red" } })).toBe(201);
  const away = await logInAs("away", [
    allow("iam:*"),
    deny("iam:*", { StringNotEquals: { "aws:ResourceAccount": "1" } }),
  ]);
  expect(await away.status("GET", `users/${blue}`)).toBe(403);
  const plain = await logInAs("plain", [allow("iam:*"), deny("*", { Bool: { "aws:SecureTransport": "false" } })]);
  expect(await plain.status("GET", "users")).toBe(403);
});

test("guard rails: who has a boundary ends no session of others, gives them no password, and opens no lock", async () => {
  const { logInAs, root, admin } = await open();
  const body = { name: "bound", document: policy(allow("*")) };
  const boundary = (await root.call("policies", { body })).body.policyId;
  const boss = await logInAs("boss", [allow("*")]);
  const bounded = await logInAs("bounded", [allow("*")], { boundary });
  const child = await logInAs("child", [allow("*")], { boundary });
  for (const [method, path] of [
    ["POST", "password-reset"],
    ["DELETE", "second-factors"],
    ["DELETE", "sessions"],
    ["POST", "unlock"],
  ] as const) {
    expect([path, await bounded.status(method, `users/${boss.userId}/${path}`)]).toEqual([path, 403]);
    const own = await bounded.status(method, `users/${child.userId}/${path}`);
    expect([path, own === 403]).toEqual([path, false]);
  }
  const revoke = (userId: string) => ({ principalId: userId });
  expect(await bounded.status("POST", "sts-sessions/revoke", revoke(boss.userId))).toBe(403);
  expect(await bounded.status("POST", "sts-sessions/revoke", revoke(child.userId))).toBe(200);
  expect(await boss.status("POST", "sts-sessions/revoke", revoke(admin))).toBe(403);
  const denied = await logInAs("denied", [allow("*"), { ...deny("iam:*"), Resource: "arn:aws:iam::*:user/boss" }]);
  expect(await denied.status("POST", "sts-sessions/revoke", revoke(boss.userId))).toBe(403);
  expect(await denied.status("POST", "sts-sessions/revoke", revoke(child.userId))).toBe(200);
});

test("guard rails: groups and policies that a global administrator has are changed by their like alone", async () => {
  const { logInAs, root, admin, edit } = await open();
  const groupId = (await root.call("groups", { body: { name: "admins" } })).body.groupId;
  const document = policy(allow("s3:*"));
  const policyId = (await root.call("policies", { body: { name: "ours", document } })).body.policyId;
  const ops = await logInAs("ops", [allow("iam:*")]);
  const calls = [
    ["PUT", `groups/${groupId}/inline-policies/x`, { document: policy(deny("*")) }],
    ["PUT", `groups/${groupId}/policies/readonly`, undefined],
    ["POST", `policies/${policyId}/versions`, { document: policy(deny("*")), isDefault: true }],
  ] as const;
  for (const [method, path, body] of calls)
    expect([path, (await ops.status(method, path, body)) < 300]).toEqual([path, true]);
  await root.call(`groups/${groupId}/policies/readonly`, { method: "DELETE", ...edit });
  await root.call(`groups/${groupId}/inline-policies/x`, { method: "DELETE", ...edit });
  const versions = { body: { document, isDefault: true }, ...edit };
  expect((await root.call(`policies/${policyId}/versions`, versions)).status).toBe(201);
  await root.call(`groups/${groupId}/policies/${policyId}`, { method: "PUT", ...edit });
  expect((await root.call(`groups/${groupId}/members/${admin}`, { method: "PUT", ...edit })).status).toBe(204);
  for (const [method, path, body] of calls) expect([path, await ops.status(method, path, body)]).toEqual([path, 403]);
  expect(await ops.status("DELETE", `groups/${groupId}/members/${admin}`)).toBe(403);
  expect((await root.call(`policies/${policyId}/versions`, versions)).status).toBe(201);
});

test("guard rails: what is refused beside the policies is in the audit too, once", async () => {
  const { logInAs, root, admin } = await open();
  const ops = await logInAs("ops", [allow("iam:*")]);
  expect(await ops.status("DELETE", `users/${admin}`)).toBe(403);
  expect(await ops.status("GET", "settings")).toBe(403);
  expect(await ops.status("PUT", "buckets/photos/quota", { maxBytes: 1, maxObjects: 1 })).toBe(403);
  const { items } = (await root.call("audit/events?outcome=denied&actorName=ops")).body;
  const actions = items.map(({ action, repeated }: Record<string, unknown>) => [action, repeated ?? 1]);
  expect(actions.toSorted()).toEqual([
    ["iam:DeleteUser", 1],
    ["maxiofs:ReadSettings", 1],
    ["maxiofs:SetBucketQuota", 1],
  ]);
});

test("guard rails: a kept answer is not given again to who reaches less by now", async () => {
  const { logInAs, root, edit } = await open();
  const { tenantId } = (await root.call("tenants", { body: { slug: "acme" } })).body;
  await root.call(`tenants/${tenantId}/users`, { body: { name: "bob" } });
  const second = await logInAs("second", [allow("*")]);
  const flag = (global: boolean) =>
    root.call(`users/${second.userId}/global`, { method: "PUT", body: { global }, ...edit });
  expect((await flag(true)).status).toBe(200);
  const order = () =>
    second.send("POST", `tenants/${tenantId}/access-keys`, { userName: "bob" }, { "idempotency-key": "k" });
  const first = await order();
  expect([first.status, (await order()).body.secretKey]).toEqual([201, first.body.secretKey]);
  expect((await flag(false)).status).toBe(200);
  const last = await order();
  expect([last.status, last.body.secretKey]).toEqual([403, undefined]);
});

test("guard rails: the case of a tag's key escapes no condition, and no identity has one key twice", async () => {
  const { logInAs, make } = await open();
  const restricted = [allow("iam:*"), deny("iam:DeleteUser", { StringEquals: { "aws:PrincipalTag/DEPT": "guest" } })];
  const guest = await logInAs("guest", restricted, { tags: { Dept: "guest" } });
  const other = await make("other", { tags: { Team: "red" } });
  expect(await guest.status("DELETE", `users/${other}`)).toBe(403);
  expect(await guest.status("PATCH", `users/${other}`, { tags: { team: "a", TEAM: "b" } })).toBe(400);
  const lead = await logInAs("lead", [
    { ...allow("iam:DeleteUser"), Condition: { StringEquals: { "aws:ResourceTag/team": "red" } } },
  ]);
  expect(await lead.status("DELETE", `users/${other}`)).toBe(204);
});

test("guard rails: who has a boundary makes, suspends and removes no tenant; no role is called as an entry is", async () => {
  const { logInAs, root, edit } = await open();
  const body = { name: "bound", document: policy(allow("*")) };
  const boundary = (await root.call("policies", { body })).body.policyId;
  const { tenantId } = (await root.call("tenants", { body: { slug: "acme" } })).body;
  const bounded = await logInAs("bounded", [allow("*")], { boundary });
  await root.call(`users/${bounded.userId}/global`, { method: "PUT", body: { global: true }, ...edit });
  expect(await bounded.status("POST", "tenants", { slug: "beta" })).toBe(403);
  expect(await bounded.status("POST", `tenants/${tenantId}/suspend`)).toBe(403);
  expect(await bounded.status("DELETE", `tenants/${tenantId}`)).toBe(403);
  const trust = { Effect: "Allow", Principal: { AWS: "*" }, Action: "sts:AssumeRole" };
  const trustPolicy = JSON.stringify({ Version: "2012-10-17", Statement: trust });
  expect((await root.call("roles", { body: { name: "Tenant-Entry", trustPolicy } })).status).toBe(409);
});

function policy(...statements: Statement[]): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: statements });
}

test("guard rails: the owner of a key lifts neither its end nor its limits; who edits all keys does", async () => {
  const { logInAs, root } = await open();
  const carol = await logInAs("carol", [allow("s3:*")]);
  const [early, late, later] = ["2031-01-01", "2031-02-01", "2031-03-01"].map((day) => `${day}T00:00:00.000Z`);
  const limits = { requestsPerSecond: 10, bytesPerSecond: 100 };
  const body = { userName: "carol", expiresAt: late, limits };
  const path = `access-keys/${(await root.call("access-keys", { body })).body.accessKeyId}`;
  for (const wider of [
    { expiresAt: null },
    { expiresAt: later },
    { limits: {} },
    { limits: { ...limits, bytesPerSecond: 101 } },
    { limits: { ...limits, requestsPerSecond: null } },
    { limits: { bytesPerSecond: 0 }, expiresAt: early },
  ])
    expect([wider, await carol.status("PATCH", path, wider)]).toEqual([wider, 403]);
  for (const narrower of [
    { expiresAt: late, limits },
    { description: "mine" },
    { limits: { ...limits, bytesPerSecond: 0, maxConnections: 1 } },
    { expiresAt: early },
  ])
    expect([narrower, await carol.status("PATCH", path, narrower)]).toEqual([narrower, 200]);
  expect(await carol.status("PATCH", path, { expiresAt: late })).toBe(403);
  const lifted = { method: "PATCH", headers: { "if-match": "*" }, body: { expiresAt: null, limits: {} } };
  expect((await root.call(path, lifted)).body).toMatchObject({ expiresAt: null, limits: {} });
});

test("guard rails: an administrator lifts the bounds of the own keys", async () => {
  const { logInAs } = await open();
  const boss = await logInAs("boss", [allow("iam:*")]);
  const body = { userName: "boss", expiresAt: "2031-01-01T00:00:00Z" };
  const { accessKeyId } = (await boss.send("POST", "access-keys", body)).body;
  expect(await boss.status("PATCH", `access-keys/${accessKeyId}`, { expiresAt: null })).toBe(200);
});
