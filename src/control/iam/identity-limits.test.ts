import { Database } from "bun:sqlite";
import { afterEach, expect, test } from "bun:test";
import { join } from "node:path";
import { policyOf } from "#testing/identities.ts";
import { closeControls, startControl, testAdministrator } from "#testing/opened-control.ts";
import { identityLimits } from "./identity-limits.ts";

afterEach(closeControls);
const document = policyOf([{ actions: ["s3:GetObject"], resources: ["arn:aws:s3:::a/*"] }]);
const trust = { Effect: "Allow", Principal: { AWS: "*" }, Action: "sts:AssumeRole" };
const trustPolicy = JSON.stringify({ Version: "2012-10-17", Statement: trust });

async function open() {
  const opened = await startControl();
  const send = async (method: string, path: string, body: object) => {
    const init = { method, body: JSON.stringify(body), headers: { "if-match": "*" }, as: testAdministrator };
    const response = await opened.fetch(`/api/v1/${path}`, init);
    return { status: response.status, body: (await response.json()) as Record<string, string> };
  };
  return { ...opened, send };
}

/** Rows of things that nobody uses, put in beside the server: making each by a call would take a minute. */
const rows = {
  users: `INSERT INTO users (user_id, tenant_id, name, name_folded, is_global, created_at_ms)
    VALUES ('AIDAFILL' || $index, $tenantId, 'fill' || $index, 'fill' || $index, 0, 0)`,
  groups: `INSERT INTO user_groups (group_id, tenant_id, path, name, name_folded, created_at_ms, revision)
    VALUES ('AGPAFILL' || $index, $tenantId, '/', 'fill' || $index, 'fill' || $index, 0, 1)`,
  roles: `INSERT INTO roles (role_id, tenant_id, path, name, name_folded, description, trust_policy, max_session_seconds, tags,
      created_at_ms, revision)
    VALUES ('AROAFILL' || $index, $tenantId, '/', 'fill' || $index, 'fill' || $index, '', '{}', 3600, '[]', 0, 1)`,
  policies: `INSERT INTO managed_policies (policy_id, tenant_id, path, name, name_folded, description, default_version,
      last_version, tags, created_at_ms, updated_at_ms, revision)
    VALUES ('ANPAFILL' || $index, $tenantId, '/', 'fill' || $index, 'fill' || $index, '', 1, 1, '[]', 0, 0, 1)`,
};

function fill(dataDir: string, sql: string, { tenantId, count }: { tenantId: string; count: number }): void {
  const database = new Database(join(dataDir, "control.db"));
  const insert = database.query(sql);
  database.transaction(() => {
    for (let index = 0; index < count; index++) insert.run({ $index: index, $tenantId: tenantId });
  })();
  database.close();
}

test.each([
  ["users", { name: "one" }, { name: "more" }],
  ["groups", { name: "one" }, { name: "more" }],
  ["roles", { name: "one", trustPolicy }, { name: "more", trustPolicy }],
  ["policies", { name: "one", document }, { name: "more", document }],
] as const)(
  "identityLimits: as many %s as there may be, and not one more; other tenants have their own",
  async (...given) => {
    const [kind, one, more] = given;
    const { dataDir, send } = await open();
    const made = await send("POST", "tenants", { slug: "acme" });
    const tenantId = made.body["tenantId"] ?? "";
    fill(dataDir, rows[kind], { tenantId, count: identityLimits[kind] - 1 });
    expect((await send("POST", `tenants/${tenantId}/${kind}`, one)).status).toBe(201);
    const refused = await send("POST", `tenants/${tenantId}/${kind}`, more);
    expect([refused.status, refused.body["detail"]]).toEqual([409, `There may be ${identityLimits[kind]} ${kind}`]);
    expect((await send("POST", kind, more)).status).toBe(201);
  },
);

test("identityLimits: fifty tags of a user or role, and not one more, when it is made and when it is changed", async () => {
  const { send } = await open();
  const tags = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, "v"]));
  const limit = identityLimits.tags;
  expect(identityLimits).toMatchObject({ users: 5000, groups: 300, roles: 1000, policies: 1500, tags: 50 });
  for (const [kind, parts] of [
    ["users", {}],
    ["roles", { trustPolicy }],
  ] as const) {
    const make = (name: string, count: number) => send("POST", kind, { name, ...parts, tags: tags(count) });
    const made = await make("full", limit);
    expect([made.status, (await make("over", limit + 1)).status]).toEqual([201, 409]);
    const path = `${kind}/${made.body["userId"] ?? made.body["roleId"]}`;
    expect((await send("PATCH", path, { tags: tags(limit + 1) })).status).toBe(409);
    expect((await send("PATCH", path, { tags: tags(limit) })).status).toBe(200);
  }
});
