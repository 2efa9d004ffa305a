import { Database } from "bun:sqlite";
import { join } from "node:path";
import type { ServerProcess } from "../server-process.ts";

/** A role as it is written into the database of a server that does not run. Policies are their documents. */
export interface RoleToStore {
  readonly name: string;
  readonly trust: object;
  readonly policy: object;
  /** 3,600 when absent. */
  readonly maxSessionSeconds?: number;
}

/** Where the role is found. */
export interface StoredRole {
  readonly roleId: string;
  readonly arn: string;
  readonly accountId: string;
}

/** Ends the server, gives its tenant `default` a role, and starts it again. */
export async function storeRole(server: ServerProcess, role: RoleToStore): Promise<StoredRole> {
  await server.kill9();
  const database = new Database(join(server.dataDir, "control.db"));
  const tenant: unknown = database.query("SELECT tenant_id, account_id FROM tenants WHERE slug = 'default'").get();
  const { tenant_id: tenantId, account_id: accountId } = Object(tenant);
  const roleId = `AROA${role.name
    .toUpperCase()
    .replace(/[^A-Z]/g, "")
    .padEnd(16, "X")
    .slice(0, 16)}`;
  database
    .query(
      `INSERT INTO roles (role_id, tenant_id, path, name, name_folded, description, trust_policy, max_session_seconds, tags,
         created_at_ms, revision) VALUES (?, ?, '/', ?, ?, '', ?, ?, '[]', 0, 1)`,
    )
    .run(
      ...[roleId, String(tenantId), role.name, role.name.toLowerCase(), JSON.stringify(role.trust)],
      role.maxSessionSeconds ?? 3600,
    );
  database
    .query("INSERT INTO inline_policies (identity_id, name, document) VALUES (?, 'rights', ?)")
    .run(roleId, JSON.stringify(role.policy));
  database.close();
  await server.start();
  return { roleId, accountId: String(accountId), arn: `arn:aws:iam::${accountId}:role/${role.name}` };
}

/** The unique id of a user of the tenant `default`, in any case. @throws Error when there is none */
export function findUserId(server: ServerProcess, name: string): string {
  const database = new Database(join(server.dataDir, "control.db"), { readonly: true });
  const row: unknown = database.query("SELECT user_id FROM users WHERE name_folded = ?").get(name.toLowerCase());
  database.close();
  const { user_id: userId } = Object(row);
  if (typeof userId !== "string") throw new Error(`There is no user ${name}`);
  return userId;
}
