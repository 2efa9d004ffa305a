import { afterEach, expect, test } from "bun:test";
import { policyOf } from "#testing/identities.ts";
import { makeKey } from "#testing/make-key.ts";
import { closeControls, startControl, testAdministrator } from "#testing/opened-control.ts";

afterEach(closeControls);
const document = policyOf([{ actions: ["s3:GetObject"], resources: ["arn:aws:s3:::a/*"] }]);

function trustOf(principal: string): string {
  const statement = { Effect: "Allow", Principal: { AWS: principal }, Action: "sts:AssumeRole" };
  return JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
}

interface Answer {
  readonly status: number;
  readonly etag: string | null;
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked at part by part
  readonly body: any;
}

async function open() {
  const opened = await startControl();
  const send = async (method: string, path: string, ...rest: [body?: object, ifMatch?: string]): Promise<Answer> => {
    const [body, ifMatch = "*"] = rest;
    const response = await opened.fetch(`/api/v1/${path}`, {
      ...{ method, headers: ifMatch === "" ? {} : { "if-match": ifMatch }, as: testAdministrator },
      ...(method === "GET" || method === "DELETE" ? {} : { body: JSON.stringify(body ?? {}) }),
    });
    const text = await response.text();
    return { status: response.status, etag: response.headers.get("etag"), body: text === "" ? {} : JSON.parse(text) };
  };
  const { publisher } = opened.control;
  return { ...opened, send, publisher };
}

test("users: made with selfService, listed, changed with the revision that was read, removed with keys and memberships", async () => {
  const { send, publisher, control } = await open();
  const made = await send("POST", "users", { name: "Alice", path: "/staff/", tags: { team: "blue" } });
  expect([made.status, made.etag]).toEqual([201, '"1"']);
  expect(made.body).toMatchObject({ name: "Alice", path: "/staff/", tags: { team: "blue" }, global: false });
  expect(made.body.arn).toMatch(/^arn:aws:iam::\d{12}:user\/staff\/Alice$/);
  expect(made.body.policyIds).toEqual(["arn:aws:iam::aws:policy/selfService"]);
  const { userId } = made.body;
  expect((await send("POST", "users", { name: "ALICE" })).status).toBe(409);
  const found = await send("GET", "users?q=lic&limit=1");
  expect(found.body).toMatchObject({ items: [{ userId }], nextCursor: null });
  const patch = { name: "alicia", tags: {} };
  expect((await send("PATCH", `users/${userId}`, patch, "")).status).toBe(428);
  expect((await send("PATCH", `users/${userId}`, patch, '"7"')).status).toBe(412);
  const changed = await send("PATCH", `users/${userId}`, patch, '"1"');
  expect(changed.body).toMatchObject({ name: "alicia", path: "/staff/", tags: {}, revision: 2 });
  const key = await makeKey(control, { userName: "alicia", policy: null });
  const group = (await send("POST", "groups", { name: "team" })).body.groupId;
  expect((await send("PUT", `groups/${group}/members/${userId}`)).status).toBe(204);
  expect(publisher.entries("user").get(userId)?.groupIds).toEqual([group]);
  expect((await send("DELETE", `users/${userId}`)).status).toBe(204);
  expect([publisher.keys.has(key.accessKeyId), publisher.entries("user").has(userId)]).toEqual([false, false]);
  expect((await send("GET", `groups/${group}/members`)).body.items).toEqual([]);
  expect((await send("GET", `users/${userId}`)).status).toBe(404);
});

test("users: the last active global administrator stays, and only those of the default tenant are made global", async () => {
  const { send, publisher } = await open();
  const admin = [...publisher.entries("user").values()].find(({ global }) => global)?.userId ?? "";
  expect((await send("POST", `users/${admin}/suspend`)).status).toBe(409);
  expect((await send("DELETE", `users/${admin}`)).status).toBe(409);
  expect((await send("PUT", `users/${admin}/global`, { global: false })).status).toBe(409);
  const { userId } = (await send("POST", "users", { name: "second" })).body;
  expect((await send("PUT", `users/${userId}/global`, { global: true })).body.global).toBe(true);
  expect((await send("POST", `users/${userId}/suspend`)).body.status).toBe("suspended");
  expect((await send("POST", `users/${admin}/suspend`)).status).toBe(409);
  const tenant = (await send("POST", "tenants", { slug: "acme" })).body.tenantId;
  const other = (await send("POST", `tenants/${tenant}/users`, { name: "eve" })).body.userId;
  expect((await send("PUT", `tenants/${tenant}/users/${other}/global`, { global: true })).status).toBe(409);
});

test("policies: versions up to five, the default counts, built-in ones are read, used ones stay", async () => {
  const { send, publisher } = await open();
  const made = await send("POST", "policies", { name: "readers", document });
  const { policyId } = made.body;
  expect(made.body).toMatchObject({ document, defaultVersion: 1, isBuiltIn: false, attachmentCount: 0 });
  const wider = policyOf([{ actions: ["s3:*"], resources: ["*"] }]);
  for (let version = 2; version <= 5; version++)
    expect((await send("POST", `policies/${policyId}/versions`, { document: wider })).status).toBe(201);
  expect((await send("POST", `policies/${policyId}/versions`, { document: wider })).status).toBe(409);
  expect(publisher.entries("policy").get(policyId)?.text).toBe(document);
  expect((await send("PUT", `policies/${policyId}/default-version`, { version: 3 })).body.document).toBe(wider);
  expect(publisher.entries("policy").get(policyId)?.text).toBe(wider);
  expect((await send("DELETE", `policies/${policyId}/versions/3`)).status).toBe(409);
  expect((await send("DELETE", `policies/${policyId}/versions/1`)).status).toBe(204);
  const { userId } = (await send("POST", "users", { name: "alice" })).body;
  expect((await send("PUT", `users/${userId}/policies/${policyId}`)).status).toBe(204);
  const builtIn = encodeURIComponent("arn:aws:iam::aws:policy/readonly");
  for (const name of ["readonly", builtIn])
    expect((await send("PUT", `users/${userId}/policies/${name}`)).status).toBe(204);
  expect(publisher.entries("user").get(userId)?.policyIds).toContain("arn:aws:iam::aws:policy/readonly");
  expect((await send("GET", `policies/${builtIn}`)).body).toMatchObject({ isBuiltIn: true, name: "readonly" });
  expect((await send("DELETE", `policies/${policyId}`)).status).toBe(409);
  expect((await send("DELETE", `users/${userId}/policies/${policyId}`)).status).toBe(204);
  expect((await send("DELETE", `users/${userId}/policies/${policyId}`)).status).toBe(404);
  for (const [kind, body] of [
    ["users", { name: "bound", boundary: policyId }],
    ["roles", { name: "bound", boundary: policyId, trustPolicy: trustOf("*") }],
  ] as const) {
    const made = await send("POST", kind, body);
    expect([kind, made.status]).toEqual([kind, 201]);
    expect([kind, (await send("DELETE", `policies/${policyId}`)).status]).toEqual([kind, 409]);
    const id = made.body.userId ?? made.body.roleId;
    expect((await send("PATCH", `${kind}/${id}`, { boundary: null })).status).toBe(200);
  }
  expect((await send("DELETE", `policies/${policyId}`)).status).toBe(204);
  const broken = await send("POST", "policies", { name: "x", document: '{"Version":"2012-10-17","Statement":[{}]}' });
  expect([broken.status, broken.body.errors[0].pointer]).toEqual([400, "/document/Statement/0"]);
  const checked = await send("POST", "policies/validate", { document: wider });
  expect(checked.body).toMatchObject({ valid: true, problems: [] });
});

test("limits: twenty policies of an identity, ten groups of a user, inline policies up to their sum", async () => {
  const { send } = await open();
  const { userId } = (await send("POST", "users", { name: "alice" })).body;
  for (let count = 1; count <= 20; count++) {
    const { policyId } = (await send("POST", "policies", { name: `p${count}`, document })).body;
    const { status } = await send("PUT", `users/${userId}/policies/${policyId}`);
    expect([count, status]).toEqual([count, count < 20 ? 204 : 409]);
  }
  for (let count = 1; count <= 11; count++) {
    const { groupId } = (await send("POST", "groups", { name: `g${count}` })).body;
    const { status } = await send("PUT", `groups/${groupId}/members/${userId}`);
    expect([count, status]).toEqual([count, count <= 10 ? 204 : 409]);
  }
  const long = policyOf([{ actions: ["s3:GetObject"], resources: [`arn:aws:s3:::a/${"x".repeat(1100)}`] }]);
  expect((await send("PUT", `users/${userId}/inline-policies/one`, { document: long })).status).toBe(204);
  expect((await send("PUT", `users/${userId}/inline-policies/one`, { document: long })).status).toBe(204);
  expect((await send("PUT", `users/${userId}/inline-policies/two`, { document: long })).status).toBe(409);
  expect((await send("GET", `users/${userId}/inline-policies/one`)).body.document).toBe(long);
});

test("groups and roles: policies, members, trust by id and not by name", async () => {
  const { send, publisher } = await open();
  const { userId, arn } = (await send("POST", "users", { name: "alice" })).body;
  const { groupId } = (await send("POST", "groups", { name: "team" })).body;
  await send("PUT", `groups/${groupId}/members/${userId}`);
  expect((await send("DELETE", `groups/${groupId}`)).status).toBe(409);
  expect((await send("PUT", `groups/${groupId}/inline-policies/own`, { document })).status).toBe(204);
  expect(publisher.entries("group").get(groupId)?.inlinePolicies).toEqual([{ name: "own", text: document }]);
  expect((await send("DELETE", `groups/${groupId}/members/${userId}`)).status).toBe(204);
  expect((await send("DELETE", `groups/${groupId}/members/${userId}`)).status).toBe(404);
  expect((await send("DELETE", `groups/${groupId}`)).status).toBe(204);
  const { items } = (await send("GET", "audit/events")).body;
  const changeBy = (name: string) => items.find(({ action }: { action: string }) => action === name)?.change;
  expect(changeBy("iam:AddUserToGroup")).toEqual({ userId: { after: userId } });
  expect(changeBy("iam:RemoveUserFromGroup")).toEqual({ userId: { before: userId } });
  const role = (await send("POST", "roles", { name: "reader", trustPolicy: trustOf(arn) })).body;
  expect(role).toMatchObject({ trustPolicy: trustOf(arn), maxSessionSeconds: 3600 });
  expect((await send("POST", "roles", { name: "bad", trustPolicy: trustOf(`${arn}x`) })).status).toBe(400);
  expect((await send("DELETE", `users/${userId}`)).status).toBe(204);
  expect((await send("POST", "users", { name: "alice" })).status).toBe(201);
  expect((await send("GET", `roles/${role.roleId}`)).body.trustPolicy).toBe(trustOf(userId));
  expect((await send("DELETE", `roles/${role.roleId}`)).status).toBe(204);
});

test("tenants: what belongs to one is 404 below another, for every kind; suspended, resumed, removed when empty", async () => {
  const { send, publisher, control } = await open();
  const acme = (await send("POST", "tenants", { slug: "acme", limits: { maxBytes: 5, maxUsers: 1 } })).body;
  expect(acme).toMatchObject({ slug: "acme", status: "active", limits: { maxBytes: 5, maxUsers: 1 } });
  expect((await send("POST", "tenants", { slug: "acme" })).status).toBe(409);
  const below = `tenants/${acme.tenantId}`;
  const eve = (await send("POST", `${below}/users`, { name: "eve" })).body;
  expect((await send("POST", `${below}/users`, { name: "one-too-many" })).status).toBe(409);
  const group = (await send("POST", `${below}/groups`, { name: "g" })).body;
  const policy = (await send("POST", `${below}/policies`, { name: "p", document })).body;
  const key = await makeKey(control, { userName: "eve", tenant: "acme", policy: null });
  for (const path of [
    `users/${eve.userId}`,
    `groups/${group.groupId}`,
    `policies/${policy.policyId}`,
    `access-keys/${key.accessKeyId}`,
  ]) {
    expect([path, (await send("GET", path)).status, (await send("GET", `${below}/${path}`)).status]).toEqual([
      path,
      404,
      200,
    ]);
    expect([path, (await send("DELETE", path)).status]).toEqual([path, 404]);
  }
  const { userId } = (await send("POST", "users", { name: "alice" })).body;
  expect((await send("PUT", `users/${userId}/policies/${policy.policyId}`)).status).toBe(404);
  expect((await send("PUT", `${below}/groups/${group.groupId}/members/${userId}`)).status).toBe(404);
  expect((await send("GET", "tenants/nothing/users")).status).toBe(404);
  expect((await send("POST", `${below}/suspend`)).body.status).toBe("suspended");
  expect(publisher.entries("tenant").get(acme.tenantId)?.status).toBe("suspended");
  expect((await send("POST", `${below}/resume`)).body.status).toBe("active");
  expect((await send("DELETE", below)).status).toBe(204);
  for (const kind of ["user", "group", "policy"] as const)
    expect([...publisher.entries(kind).values()].filter(({ tenantId }) => tenantId === acme.tenantId)).toEqual([]);
  expect(publisher.keys.has(key.accessKeyId)).toBe(false);
  const own = [...publisher.entries("tenant").keys()].join();
  for (const [method, path] of [
    ["DELETE", `tenants/${own}`],
    ["POST", `tenants/${own}/suspend`],
  ] as const)
    expect((await send(method, path)).status).toBe(409);
});

test("boundaries: who has one makes identities with it alone, and changes no policy, group or boundary", async () => {
  const { send, control, publisher } = await open();
  const everything = policyOf([{ actions: ["*"], resources: ["*"] }]);
  const boundary = (await send("POST", "policies", { name: "bound", document: everything })).body.policyId;
  const { userId } = (await send("POST", "users", { name: "alice", boundary })).body;
  const free = (await send("POST", "users", { name: "free" })).body.userId;
  const user = publisher.entries("user").get(userId);
  const caller = { userId, userName: "alice", tenantId: user?.tenantId ?? "", global: false, via: "console" } as const;
  const rest = { mfa: false, freshProof: true, secure: false, narrowing: [], address: "", agent: "", requestId: "" };
  const actor = { caller: { ...caller, ...rest }, tenantId: caller.tenantId };
  const { users, groups, policies } = control.identities;
  const child = await users.create(actor, { name: "child" });
  expect(child.boundaryPolicyId).toBe(boundary);
  for (const forbidden of [
    users.create(actor, { name: "other", boundary: "readonly" }),
    users.update(actor, child.userId, { boundary: null }),
    users.update(actor, userId, { boundary: null }),
    users.policies.attach(actor, free, "consoleAdmin"),
    users.remove(actor, free),
    groups.create(actor, { name: "g", path: "/" }),
    policies.create(actor, { name: "p", path: "/", description: "", document }),
    policies.addVersion(actor, boundary, { document: everything, isDefault: true }),
  ])
    expect(
      await forbidden.then(
        () => "done",
        (error) => error.code,
      ),
    ).toBe("Forbidden");
  expect((await users.policies.attach(actor, child.userId, "consoleAdmin")).entry.policyIds).toHaveLength(2);
});

test("policies and members of an identity are changed with the revision that was read, and tell the next one", async () => {
  const { send } = await open();
  const { userId } = (await send("POST", "users", { name: "rev" })).body;
  const { groupId } = (await send("POST", "groups", { name: "rev" })).body;
  const text = { document };
  const calls = [
    ["PUT", `users/${userId}/policies/readonly`, {}],
    ["DELETE", `users/${userId}/policies/readonly`],
    ["PUT", `users/${userId}/inline-policies/own`, text],
    ["DELETE", `users/${userId}/inline-policies/own`],
    ["PUT", `groups/${groupId}/members/${userId}`, {}],
    ["DELETE", `groups/${groupId}/members/${userId}`],
  ] as const;
  for (const [method, path, body] of calls) {
    const owner = path.split("/").slice(0, 2).join("/");
    const { etag } = await send("GET", owner);
    expect([path, (await send(method, path, body, "")).status]).toEqual([path, 428]);
    expect([path, (await send(method, path, body, '"99"')).status]).toEqual([path, 412]);
    const changed = await send(method, path, body, etag ?? "");
    expect([path, changed.status, changed.etag]).toEqual([path, 204, `"${Number(etag?.slice(1, -1)) + 1}"`]);
    expect((await send("GET", owner)).etag).toBe(changed.etag);
  }
  const { etag } = await send("GET", `users/${userId}`);
  const suspended = await send("POST", `users/${userId}/suspend`);
  expect([suspended.etag, suspended.body.revision]).toEqual([
    `"${suspended.body.revision}"`,
    Number(etag?.slice(1, -1)) + 1,
  ]);
  expect((await send("PUT", `users/${userId}/global`, { global: true }, etag ?? "")).status).toBe(412);
  const made = await send("PUT", `users/${userId}/global`, { global: true }, suspended.etag ?? "");
  expect([made.status, made.etag]).toEqual([200, `"${suspended.body.revision + 1}"`]);
});

test("limits: a tenant has 300 groups unless its own bound says otherwise: null is unlimited, 0 is none", async () => {
  const { send } = await open();
  const { tenantId } = (await send("POST", "tenants", { slug: "acme" })).body;
  const make = async (name: string) => (await send("POST", `tenants/${tenantId}/groups`, { name })).status;
  for (let n = 0; n < 300; n++) expect(await make(`group-${n}`)).toBe(201);
  expect(await make("one-more")).toBe(409);
  expect((await send("PATCH", `tenants/${tenantId}`, { limits: { maxGroups: null, maxRoles: 0 } })).status).toBe(200);
  expect(await make("one-more")).toBe(201);
  const trust = { Version: "2012-10-17", Statement: { Effect: "Allow", Principal: "*", Action: "sts:AssumeRole" } };
  const role = { name: "role", trustPolicy: JSON.stringify(trust) };
  expect((await send("POST", `tenants/${tenantId}/roles`, role)).status).toBe(409);
});

test("roles: an edit tells what it changed; the trust stays with whom it named", async () => {
  const { send } = await open();
  const { userId, arn } = (await send("POST", "users", { name: "trusted" })).body;
  const trust = (principal: string) =>
    JSON.stringify({
      Version: "2012-10-17",
      Statement: { Effect: "Allow", Principal: { AWS: principal }, Action: "sts:AssumeRole" },
    });
  const { roleId } = (await send("POST", "roles", { name: "keeper", trustPolicy: trust(arn) })).body;
  await send("PATCH", `roles/${roleId}`, { description: "first" });
  const changes = async () => {
    const { items } = (await send("GET", "audit/events?action=iam:UpdateRole&limit=1")).body;
    return items[0].change;
  };
  expect(await changes()).toEqual({ description: { before: "", after: "first" } });
  await send("DELETE", `users/${userId}`);
  await send("POST", "users", { name: "trusted" });
  expect((await send("PATCH", `roles/${roleId}`, { description: "second" })).status).toBe(200);
  // Who has the name now is not whom the role trusts.
  expect((await send("GET", `roles/${roleId}`)).body.trustPolicy).toBe(trust(userId));
  await send("PATCH", `roles/${roleId}`, { trustPolicy: trust(arn) });
  expect(Object.keys(await changes())).toEqual(["trustPolicy"]);
  expect((await send("GET", `roles/${roleId}`)).body.trustPolicy).toBe(trust(arn));
});

test("tenants: changes at the same time keep each other's parts", async () => {
  const { send } = await open();
  const { tenantId } = (await send("POST", "tenants", { slug: "both" })).body;
  await Promise.all([
    send("PATCH", `tenants/${tenantId}`, { displayName: "Both" }),
    send("PATCH", `tenants/${tenantId}`, { email: "it@both.example" }),
  ]);
  expect((await send("GET", `tenants/${tenantId}`)).body).toMatchObject({
    displayName: "Both",
    email: "it@both.example",
  });
});

test("policies: pages of every size give the built-in ones, then the tenant's, each once", async () => {
  const { send } = await open();
  for (const name of ["one", "two", "three"]) await send("POST", "policies", { name, document });
  const { items: all } = (await send("GET", "policies?limit=1000")).body;
  const ids = all.map(({ policyId }: { policyId: string }) => policyId);
  expect(ids.filter((id: string) => id.startsWith("ANPA"))).toHaveLength(3);
  for (let limit = 1; limit <= ids.length + 1; limit++) {
    const seen: string[] = [];
    for (let cursor: string | null = ""; cursor !== null; ) {
      const page: Answer["body"] = (await send("GET", `policies?limit=${limit}&cursor=${encodeURIComponent(cursor)}`))
        .body;
      expect(page.items.length).toBeLessThanOrEqual(limit);
      seen.push(...page.items.map(({ policyId }: { policyId: string }) => policyId));
      cursor = page.nextCursor;
    }
    expect(seen).toEqual(ids);
  }
  const found = (await send("GET", "policies?q=READ")).body.items.map(({ name }: { name: string }) => name);
  expect(found).toEqual(["readonly", "readwrite"]);
});
