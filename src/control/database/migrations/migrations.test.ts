import { Database } from "bun:sqlite";
import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parsePolicy } from "#kernel/policy/parse-policy.ts";
import { readIdentities } from "../../iam/read-identities.ts";
import { openControlDatabase } from "../open-control-database.ts";
import { allMigrations } from "./all-migrations.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** Rows of the first schema, as every later one must still hold them. */
const firstRows = `
  INSERT INTO tenants VALUES ('T1', 'default', 'Default', '123456789012', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 1);
  INSERT INTO users (user_id, tenant_id, name, name_folded, is_administrator, created_at_ms)
    VALUES ('U1', 'T1', 'Admin', 'admin', 1, 2);
  INSERT INTO users (user_id, tenant_id, name, name_folded, is_administrator, created_at_ms)
    VALUES ('U2', 'T1', 'Bob', 'bob', 0, 3);
  INSERT INTO access_keys (access_key_id, user_id, sealed_secret, is_enabled, grants, created_at_ms) VALUES
    ('K1', 'U1', 's', 1, '[]', 4),
    ('K2', 'U2', 's', 1, '[{"actions":["s3:GetObject"],"resources":["arn:aws:s3:::a/{\\"actions\\":"]}]', 5),
    ('K3', 'U2', 's', 1, '[]', 6);
  INSERT INTO settings (name, value) VALUES ('s3.region', 'eu-1');
`;

test.each(allMigrations.map(({ version }) => version))(
  "allMigrations: from version %d on, rows stay",
  async (version) => {
    const folder = mkdtempSync(join(tmpdir(), "maxiofs-migrations-"));
    folders.push(folder);
    await (await openControlDatabase(folder, allMigrations.slice(0, 1))).close();
    const raw = new Database(join(folder, "control.db"));
    raw.exec(firstRows);
    raw.close();
    const earlier = allMigrations.filter((migration) => migration.version <= version);
    await (await openControlDatabase(folder, earlier)).close();
    const database = await openControlDatabase(folder);
    expect(await database.all("SELECT name FROM users WHERE tenant_id = $1", ["T1"])).toEqual([
      { name: "Admin" },
      { name: "Bob" },
    ]);
    expect(await database.all("SELECT name, value FROM settings")).toEqual([{ name: "s3.region", value: "eu-1" }]);
    expect(await database.all("SELECT revision FROM settings_revision")).toEqual([{ revision: 1 }]);
    expect(await database.all("SELECT chain FROM audit_chains")).toEqual([]);
    await database.close();
  },
);

test("identitiesMigration: what grants allowed is allowed as before, and no more", async () => {
  const folder = mkdtempSync(join(tmpdir(), "maxiofs-migrations-"));
  folders.push(folder);
  await (await openControlDatabase(folder, allMigrations.slice(0, 1))).close();
  const raw = new Database(join(folder, "control.db"));
  raw.exec(firstRows);
  raw.close();
  const database = await openControlDatabase(folder);
  const keys = await database.all("SELECT key_policy FROM access_keys ORDER BY access_key_id");
  const [first, second, third] = keys.map((row) => row["key_policy"]);
  expect(first).toBeNull();
  const statement = { Effect: "Allow", Action: ["s3:GetObject"], Resource: ['arn:aws:s3:::a/{"actions":'] };
  expect(JSON.parse(String(second))).toEqual({ Version: "2012-10-17", Statement: [statement] });
  for (const text of [second, third]) expect(parsePolicy(String(text), { kind: "key" }).kind).toBe("document");
  expect(JSON.parse(String(third)).Statement).toEqual([{ Effect: "Deny", Action: "*", Resource: "*" }]);
  const { user } = await readIdentities(database);
  const [admin, bob] = user;
  expect(admin).toMatchObject({
    global: true,
    policyIds: ["arn:aws:iam::aws:policy/consoleAdmin"],
    inlinePolicies: [],
  });
  expect(bob).toMatchObject({ global: false, policyIds: [], inlinePolicies: [{ name: "grants-of-K2", text: second }] });
  await database.close();
});
