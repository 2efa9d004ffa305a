import { Database } from "bun:sqlite";
import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
    expect(await database.all("SELECT name FROM users WHERE tenant_id = $1", ["T1"])).toEqual([{ name: "Admin" }]);
    expect(await database.all("SELECT name, value FROM settings")).toEqual([{ name: "s3.region", value: "eu-1" }]);
    expect(await database.all("SELECT revision FROM settings_revision")).toEqual([{ revision: 1 }]);
    expect(await database.all("SELECT chain FROM audit_chains")).toEqual([]);
    await database.close();
  },
);
