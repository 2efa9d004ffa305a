import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openControlDatabase } from "../open-control-database.ts";
import { sessionsMigration } from "./0003-sessions.ts";
import { allMigrations } from "./all-migrations.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

const earlier = allMigrations.filter(({ version }) => version < sessionsMigration.version);
/** Before version 2, and from it on. */
const insertAdministrator =
  "INSERT INTO users (user_id, tenant_id, name, name_folded, is_administrator, created_at_ms) VALUES ($1, $2, $3, $4, $5, $6)";
const insertGlobal =
  "INSERT INTO users (user_id, tenant_id, name, name_folded, is_global, created_at_ms) VALUES ($1, $2, $3, $4, $5, $6)";

test.each(earlier.map(({ version }) => version))(
  "sessionsMigration: a database of version %d with users keeps them",
  async (version) => {
    const folder = mkdtempSync(join(tmpdir(), "maxiofs-control-"));
    folders.push(folder);
    const old = await openControlDatabase(
      folder,
      earlier.filter((each) => each.version <= version),
    );
    await old.run(
      "INSERT INTO tenants (tenant_id, slug, display_name, account_id, canonical_id, created_at_ms) VALUES ($1, $2, $3, $4, $5, $6)",
      ["t", "default", "default", "123456789012", "c".repeat(64), 1],
    );
    const user = ["AIDA", "t", "Admin", "admin", 1, 1];
    await old.run(version < 2 ? insertAdministrator : insertGlobal, user);
    await old.close();
    const database = await openControlDatabase(folder);
    expect(await database.all("SELECT user_id, name, is_global FROM users")).toEqual([
      { user_id: "AIDA", name: "Admin", is_global: 1 },
    ]);
    await database.run(
      "INSERT INTO logins (user_id, password_version, must_change, password_set_at_ms, totp_enabled) VALUES ($1, 1, 0, 1, 0)",
      ["AIDA"],
    );
    await database.run("INSERT INTO recovery_codes (user_id, code_hash) VALUES ($1, $2)", ["AIDA", "x"]);
    await database.run("DELETE FROM users WHERE user_id = $1", ["AIDA"]);
    for (const sql of ["SELECT user_id FROM logins", "SELECT user_id FROM recovery_codes"]) {
      expect(await database.all(sql)).toEqual([]);
    }
    await database.close();
  },
);
