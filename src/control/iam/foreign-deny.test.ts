import { afterEach, expect, test } from "bun:test";
import { closeControls, startControl, testAdministrator } from "#testing/opened-control.ts";

afterEach(closeControls);

function policy(...statements: readonly object[]): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: statements });
}

/** A global administrator, and the users eve and mallory of another tenant. */
async function open() {
  const { control, fetch } = await startControl();
  const call = (method: string, path: string, options: { body?: object; token?: string } = {}) => {
    const { body, token } = options;
    const as = token === undefined ? { as: testAdministrator } : {};
    const headers = { "if-match": "*", ...(token !== undefined && { authorization: `Bearer ${token}` }) };
    return fetch(`/api/v1/${path}`, { method, headers, ...as, ...(body && { body: JSON.stringify(body) }) });
  };
  const make = async (path: string, body: object) => (await call("POST", path, { body })).json();
  const { tenantId } = await make("tenants", { slug: "acme" });
  const below = `tenants/${tenantId}`;
  const eve = await make(`${below}/users`, { name: "eve" });
  const mallory = await make(`${below}/users`, { name: "mallory" });
  const admin = [...control.publisher.entries("user").values()].find(({ global }) => global)?.userId ?? "";
  const status = async (...args: Parameters<typeof call>) => (await call(...args)).status;
  return { status, make, below, eve, mallory, admin };
}

test("requireAction: an explicit Deny on one ARN of another tenant holds a global administrator, and nothing beside it", async () => {
  const { status, below, eve, mallory, admin } = await open();
  const document = policy({ Effect: "Deny", Action: ["iam:GetUser", "iam:DeleteUser"], Resource: eve.arn });
  const path = `users/${admin}/inline-policies/hands-off`;
  expect(await status("GET", `${below}/users/${eve.userId}`)).toBe(200);
  expect(await status("PUT", path, { body: { document } })).toBe(204);
  expect(await status("GET", `${below}/users/${eve.userId}`)).toBe(403);
  expect(await status("DELETE", `${below}/users/${eve.userId}`)).toBe(403);
  expect(await status("PATCH", `${below}/users/${eve.userId}`, { body: { tags: { a: "b" } } })).toBe(200);
  expect(await status("GET", `${below}/users/${mallory.userId}`)).toBe(200);
  expect(await status("DELETE", path)).toBe(204);
  expect(await status("DELETE", `${below}/users/${eve.userId}`)).toBe(204);
});

test("requireAction: a Deny by pattern holds what it names in the other tenant; one on a third account holds nothing there", async () => {
  const { status, below, eve, mallory, admin } = await open();
  const path = `users/${admin}/inline-policies/hands-off`;
  const [account = ""] = eve.arn.match(/\d{12}/) ?? [];
  const get = (userId: string) => status("GET", `${below}/users/${userId}`);
  const pattern = policy({ Effect: "Deny", Action: "iam:GetUser", Resource: `arn:aws:iam::${account}:user/e*` });
  expect(await status("PUT", path, { body: { document: pattern } })).toBe(204);
  expect([await get(eve.userId), await get(mallory.userId)]).toEqual([403, 200]);
  const elsewhere = policy({ Effect: "Deny", Action: "iam:GetUser", Resource: "arn:aws:iam::000000000000:user/eve" });
  expect(await status("PUT", path, { body: { document: elsewhere } })).toBe(204);
  expect([await get(eve.userId), await get(mallory.userId)]).toEqual([200, 200]);
});

test("makeAllowsCaller: a Deny of a token's policy on one ARN of another tenant holds its administrator", async () => {
  const { status, make, below, eve, mallory } = await open();
  const document = policy(
    { Effect: "Allow", Action: "*", Resource: "*" },
    { Effect: "Deny", Action: "iam:GetUser", Resource: eve.arn },
  );
  const { token } = await make("me/tokens", { name: "narrow", policy: document });
  expect(token).toStartWith("mxt_");
  expect(await status("GET", `${below}/users/${eve.userId}`, { token })).toBe(403);
  expect(await status("GET", `${below}/users/${mallory.userId}`, { token })).toBe(200);
});

test("tenantRoutes: a Deny on one tenant's ARN holds its administrator there, action by action, and not elsewhere", async () => {
  const { status, make, below, eve, admin } = await open();
  const other = await make("tenants", { slug: "other" });
  const tenantId = below.slice("tenants/".length);
  const [account = ""] = eve.arn.match(/\d{12}/) ?? [];
  const resource = `arn:aws:maxiofs::${account}:tenant/${tenantId}`;
  const path = `users/${admin}/inline-policies/hands-off`;
  const deny = async (...actions: string[]) => {
    const document = policy({ Effect: "Deny", Action: actions.map((name) => `maxiofs:${name}`), Resource: resource });
    expect(await status("PUT", path, { body: { document } })).toBe(204);
  };
  const rename = { body: { displayName: "Other" } };
  const bound = { body: { limits: { maxUsers: 5 } } };
  await deny("GetTenant", "DeleteTenant");
  expect([await status("GET", below), await status("DELETE", below)]).toEqual([403, 403]);
  expect([await status("PATCH", below, rename), await status("POST", `${below}/suspend`, { body: {} })]).toEqual([
    200, 200,
  ]);
  await deny("UpdateTenant");
  expect([await status("GET", below), await status("PATCH", below, rename)]).toEqual([200, 403]);
  expect([
    await status("POST", `${below}/resume`, { body: {} }),
    await status("POST", `${below}/suspend`, { body: {} }),
  ]).toEqual([403, 403]);
  await deny("SetTenantQuota");
  expect([await status("PATCH", below, rename), await status("PATCH", below, bound)]).toEqual([200, 403]);
  expect(await status("PATCH", `tenants/${other.tenantId}`, bound)).toBe(200);
  expect(await status("GET", "tenants/nobody")).toBe(404);
});
