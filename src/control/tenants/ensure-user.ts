import type { ControlQueries } from "../database/control-database.ts";
import { readText } from "../database/row-values.ts";
import type { IdentitySource } from "./ensure-tenant.ts";
import { makeUniqueId } from "./new-identifiers.ts";

/** A user of one tenant. */
export interface User {
  /** `AIDA` and 16 characters. */
  readonly userId: string;
  readonly name: string;
  readonly administrator: boolean;
}

/** Who a user is, before it has an id. */
export interface UserName {
  readonly tenantId: string;
  /** Unique within the tenant in any case. */
  readonly name: string;
  /** Taken only when the user is made. */
  readonly administrator: boolean;
}

/** The user of this name, made when there is none. Runs inside the caller's transaction. */
export async function ensureUser(queries: ControlQueries, who: UserName, source: IdentitySource): Promise<User> {
  const folded = who.name.toLowerCase();
  const [row] = await queries.all(
    "SELECT user_id, name, is_global FROM users WHERE tenant_id = $1 AND name_folded = $2",
    [who.tenantId, folded],
  );
  if (row !== undefined) {
    return {
      userId: readText(row, "user_id"),
      name: readText(row, "name"),
      administrator: row["is_global"] === 1,
    };
  }
  const user: User = { userId: makeUniqueId("AIDA", source.random), name: who.name, administrator: who.administrator };
  await queries.run(
    `INSERT INTO users (user_id, tenant_id, name, name_folded, is_global, created_at_ms)
     VALUES ($1, $2, $3, $4, $5, $6)`,
    [user.userId, who.tenantId, who.name, folded, who.administrator ? 1 : 0, source.clock.nowMs()],
  );
  return user;
}
