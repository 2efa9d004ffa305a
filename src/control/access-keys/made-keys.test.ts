import { afterEach, expect, test } from "bun:test";
import { policyOf } from "#testing/identities.ts";
import { closeControls, startControl, testAdministrator } from "#testing/opened-control.ts";

afterEach(closeControls);

interface Key {
  readonly accessKeyId: string;
  readonly secretKey: string;
}

type Call = readonly [method: string, to: string, body?: object];

const path = "access-keys";
const everything = policyOf([{ actions: ["*"], resources: ["*"] }]);
const reads = policyOf([{ actions: ["s3:GetObject"], resources: ["*"] }]);

/** A control plane whose administrator has one key that a policy narrows. */
async function open(first: object = {}) {
  const { control, fetch } = await startControl();
  const call = async (as: Key, ...[method, to, body]: Call) => {
    const headers = { "if-match": "*" };
    const response = await fetch(`/api/v1/${to}`, { method, as, headers, ...(body && { body: JSON.stringify(body) }) });
    const text = await response.text();
    return { status: response.status, body: text === "" ? {} : JSON.parse(text) };
  };
  const make = (as: Key, body: object = {}) => call(as, "POST", path, { userName: "admin", ...body });
  const { body: maker } = await make(testAdministrator, { policy: everything, ...first });
  const narrowingOf = ({ accessKeyId }: Key) => control.publisher.keys.get(accessKeyId)?.narrowing;
  return { call, make, maker, narrowingOf, keys: control.publisher.keys };
}

test("made keys: a narrowed key makes keys of its own user that carry its policies before their own, and no others", async () => {
  const { call, make, maker, narrowingOf } = await open();
  const { status, body: made } = await make(maker, { policy: reads });
  expect([status, made.madeBy, made.inheritedPolicies]).toEqual([201, maker.accessKeyId, [everything]]);
  expect(narrowingOf(made)).toEqual([everything, reads]);
  const { body: plain } = await make(maker);
  expect([plain.policy, narrowingOf(plain)]).toEqual([null, [everything]]);
  await call(testAdministrator, "POST", "users", { name: "bob" });
  expect((await make(maker, { userName: "bob" })).status).toBe(403);
  const other = await make(testAdministrator);
  expect([other.body.madeBy, other.body.inheritedPolicies]).toEqual([null, []]);
});

test("made keys: me/permissions says what a narrowed key may do: make and revoke own keys, as far as its policy goes", async () => {
  const { call, make, maker } = await open();
  const { body: made } = await make(maker, { policy: policyOf([{ actions: ["iam:GetUser"], resources: ["*"] }]) });
  const rightsOf = async (key: Key) => {
    const { items } = (await call(key, "GET", "me/permissions")).body;
    const allowed = items.filter((right: { readonly allowed: boolean }) => right.allowed);
    return allowed.map(({ action }: { readonly action: string }) => action);
  };
  expect(await rightsOf(maker)).toContain("iam:CreateAccessKey");
  expect(await rightsOf(maker)).toContain("iam:DeleteAccessKey");
  for (const action of ["iam:UpdateAccessKey", "iam:CreateUser"]) expect(await rightsOf(maker)).not.toContain(action);
  expect((await rightsOf(made)).filter((action: string) => action.endsWith("AccessKey"))).toEqual([]);
});

test("made keys: a narrowed key changes no other identity, not even the policy of a key it made, and makes no tokens", async () => {
  const { call, make, maker } = await open();
  const { body: made } = await make(maker, { policy: reads });
  const { userId } = made;
  const refused: readonly Call[] = [
    ["POST", "users", { name: "eve" }],
    ["PUT", `users/${userId}/inline-policies/more`, { document: everything }],
    ["PATCH", `${path}/${made.accessKeyId}`, { policy: null }],
    ["PATCH", `${path}/${maker.accessKeyId}`, { policy: null }],
    ["DELETE", `${path}/${maker.accessKeyId}`],
    ["DELETE", `${path}/${testAdministrator.accessKeyId}`],
    ["POST", "me/tokens", { name: "more" }],
    ["POST", "me/password", { password: "Another-Horse-10" }],
    ["POST", "sts-sessions/revoke", { principalId: userId }],
  ];
  for (const [method, to, body] of refused)
    expect([to, (await call(maker, method, to, body)).status]).toEqual([to, 403]);
  // What the policy leaves out is out: here the making of keys.
  expect((await call(made, "GET", "me")).status).toBe(403);
  expect((await make(made)).status).toBe(403);
  expect((await call(maker, "GET", `users/${userId}`)).status).toBe(200);
});

test("made keys: 8 policies narrow a key, a 9th is refused", async () => {
  const { call, make, maker, narrowingOf } = await open();
  let last: Key = maker;
  for (let links = 2; links <= 8; links++) {
    const { status, body } = await make(last, { policy: everything });
    expect([links, status, narrowingOf(body)?.length]).toEqual([links, 201, links]);
    last = body;
  }
  const ninth = await make(last, { policy: everything });
  const message = "At most 8 policies narrow a key, those it inherits included";
  expect(ninth).toMatchObject({ status: 400, body: { detail: message, errors: [{ pointer: "/policy", message }] } });
  const { status, body: without } = await make(last);
  expect([status, narrowingOf(without)?.length]).toEqual([201, 8]);
  const patched = await call(testAdministrator, "PATCH", `${path}/${without.accessKeyId}`, { policy: reads });
  expect(patched).toMatchObject({ status: 400, body: { detail: message } });
  expect(narrowingOf(without)?.length).toBe(8);
});

test("made keys: removing, disabling or ending a key does it to what it made, directly or not", async () => {
  const { call, make, maker, keys } = await open();
  const { body: child } = await make(maker, { policy: everything });
  const { body: grandchild } = await make(child, { policy: reads });
  const own = `${path}/${maker.accessKeyId}`;
  const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
  expect((await call(testAdministrator, "PATCH", own, { expiresAt })).status).toBe(200);
  const family = [maker, child, grandchild];
  for (const { accessKeyId } of family) expect(keys.get(accessKeyId)?.expiresAtMs).toBe(Date.parse(expiresAt));
  expect((await call(testAdministrator, "PATCH", own, { enabled: false })).status).toBe(200);
  for (const { accessKeyId } of family) expect(keys.get(accessKeyId)?.enabled).toBe(false);
  const enable = (key: Key) => call(testAdministrator, "PATCH", `${path}/${key.accessKeyId}`, { enabled: true });
  for (const [key, status] of [
    [child, 409],
    [maker, 200],
    [child, 200],
  ] as const) {
    expect((await enable(key)).status).toBe(status);
  }
  expect(keys.get(grandchild.accessKeyId)?.enabled).toBe(false);
  expect((await call(testAdministrator, "DELETE", own)).status).toBe(204);
  for (const { accessKeyId } of family) expect(keys.has(accessKeyId)).toBe(false);
});

test("made keys: a narrowed key removes what it made, directly or not, and nothing beside it", async () => {
  const { call, make, maker, keys } = await open();
  const { body: child } = await make(maker, { policy: everything });
  const { body: grandchild } = await make(child, { policy: reads });
  const { body: sibling } = await make(testAdministrator, { policy: everything });
  const remove = async (as: Key, { accessKeyId }: Key) => (await call(as, "DELETE", `${path}/${accessKeyId}`)).status;
  expect([await remove(child, maker), await remove(child, child), await remove(sibling, child)]).toEqual([
    403, 403, 403,
  ]);
  expect([await remove(maker, sibling), await remove(maker, grandchild), await remove(maker, child)]).toEqual([
    403, 204, 204,
  ]);
  expect([...keys.keys()].toSorted()).toEqual(
    [testAdministrator.accessKeyId, maker.accessKeyId, sibling.accessKeyId].toSorted(),
  );
});

test("made keys: end no later than their maker, and are bounded by its limits", async () => {
  const endMs = Date.now() + 3_600_000;
  const expiresAt = new Date(endMs).toISOString();
  const limits = { requestsPerSecond: 10, maxConnections: null };
  const { call, make, maker, keys } = await open({ expiresAt, limits });
  const { body: made } = await make(maker, { limits: { requestsPerSecond: 20, bytesPerSecond: 5 } });
  expect(keys.get(made.accessKeyId)).toMatchObject({
    expiresAtMs: endMs,
    limits: { requestsPerSecond: 10, bytesPerSecond: 5 },
  });
  expect((await make(maker, { expiresAt })).status).toBe(201);
  const later = new Date(endMs + 1).toISOString();
  const message = "A key ends no later than the key that made it";
  const refused = { status: 400, body: { detail: message, errors: [{ pointer: "/expiresAt", message }] } };
  expect(await make(maker, { expiresAt: later })).toMatchObject(refused);
  for (const end of [later, null]) {
    const patched = await call(testAdministrator, "PATCH", `${path}/${made.accessKeyId}`, { expiresAt: end });
    expect(patched).toMatchObject(refused);
  }
  const earlier = new Date(endMs - 1).toISOString();
  expect((await make(maker, { expiresAt: earlier })).body.expiresAt).toBe(earlier);
});

test("made keys: the policy of a key that made others stays", async () => {
  const { call, make, maker, narrowingOf } = await open();
  const { body: made } = await make(maker);
  const change = async (policy: string | null) =>
    (await call(testAdministrator, "PATCH", `${path}/${maker.accessKeyId}`, { policy })).status;
  expect([await change(null), await change(reads), await change(everything)]).toEqual([409, 409, 200]);
  expect(narrowingOf(made)).toEqual([everything]);
  await call(testAdministrator, "DELETE", `${path}/${made.accessKeyId}`);
  expect(await change(reads)).toBe(200);
});

test("made keys: a Deny of a key's policy that asks who the caller is holds in the control API", async () => {
  const deny = (principal: string) =>
    JSON.stringify({
      Version: "2012-10-17",
      Statement: [
        { Effect: "Allow", Action: "*", Resource: "*" },
        {
          Effect: "Deny",
          Action: "iam:CreateAccessKey",
          Resource: "*",
          Condition: { ArnLike: { "aws:PrincipalArn": principal } },
        },
      ],
    });
  const { make, maker } = await open();
  for (const [name, status] of [
    ["admin", 403],
    ["bob", 201],
  ] as const) {
    const { body: key } = await make(maker, { policy: deny(`arn:aws:iam::*:user/${name}`) });
    expect((await make(key, { policy: reads })).status).toBe(status);
  }
});
