import { Database } from "bun:sqlite";
import { afterEach, expect, test } from "bun:test";
import { join } from "node:path";
import { policyOf } from "#testing/identities.ts";
import { openConsole } from "#testing/opened-console.ts";
import { closeControls } from "#testing/opened-control.ts";

afterEach(closeControls);
const document = policyOf([{ actions: ["s3:GetObject"], resources: ["arn:aws:s3:::a/*"] }]);

test("tenants: one that is removed leaves no row of anything it had, but what the audit tells", async () => {
  const { loggedIn, client, dataDir } = await openConsole({ "security.ratelimit_enabled": false });
  const root = await loggedIn();
  const ids: string[] = [];
  const send = async (method: string, path: string, body?: object) => {
    const answer = await root.call(path, { method, headers: { "if-match": "*" }, ...(body && { body }) });
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status}`);
    return answer.body;
  };
  const make = async (kind: string, id: string, body: object) => {
    const made = await send("POST", kind, body);
    ids.push(made[id]);
    return made[id] as string;
  };
  const tenant = await make("tenants", "tenantId", { slug: "acme" });
  const below = `tenants/${tenant}`;
  const policy = await make(`${below}/policies`, "policyId", { name: "p", document });
  await send("POST", `${below}/policies/${policy}/versions`, { document, isDefault: true });
  const user = await make(`${below}/users`, "userId", { name: "eve", boundary: policy });
  const group = await make(`${below}/groups`, "groupId", { name: "g" });
  const trustPolicy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}`;
  const role = await make(`${below}/roles`, "roleId", { name: "r", trustPolicy });
  await make(`${below}/access-keys`, "accessKeyId", { userName: "eve" });
  for (const holder of [`users/${user}`, `groups/${group}`, `roles/${role}`]) {
    await send("PUT", `${below}/${holder}/policies/${policy}`);
    await send("PUT", `${below}/${holder}/inline-policies/own`, { document });
  }
  await send("PUT", `${below}/groups/${group}/members/${user}`);
  const { password } = await send("POST", `${below}/users/${user}/password-reset`);
  const eve = client();
  expect((await eve.call("auth/login", { body: { tenant: "acme", username: "eve", password } })).status).toBe(200);
  expect((await client().call("auth/login", { body: { tenant: "acme", username: "eve", password: "x" } })).status).toBe(
    401,
  );

  const tables = () => {
    using database = new Database(join(dataDir, "control.db"), { readonly: true });
    const names = database.query<{ name: string }, []>("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
    return names
      .map(({ name }) => name)
      .filter((name) => !name.startsWith("audit_"))
      .filter((name) => {
        const text = JSON.stringify(database.query(["SELECT * FROM", name].join(" ")).all());
        return ids.some((id) => text.includes(id));
      })
      .toSorted();
  };
  expect(tables()).toEqual([
    ...["access_keys", "group_members", "inline_policies", "login_addresses", "login_failures", "logins"],
    ...[
      "managed_policies",
      "policy_attachments",
      "policy_versions",
      "roles",
      "sessions",
      "tenants",
      "user_groups",
      "users",
    ],
  ]);
  await send("DELETE", below);
  // Failed log-ins go by themselves when they count no more.
  expect(tables()).toEqual(["login_failures"]);
});
