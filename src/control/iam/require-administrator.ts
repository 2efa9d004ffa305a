import type { ControlQueries } from "../database/control-database.ts";
import { ControlError } from "../http/control-error.ts";

/** Who can come in: with a password that works, or with a key that nothing narrows or ends. */
const ABLE = `SELECT u.user_id FROM users u LEFT JOIN logins l ON l.user_id = u.user_id
  WHERE u.is_global = 1 AND u.status = 'active'
    AND ((l.password_hash IS NOT NULL AND (l.password_expires_at_ms IS NULL OR l.password_expires_at_ms > $1))
      OR EXISTS (SELECT k.access_key_id FROM access_keys k WHERE k.user_id = u.user_id AND k.is_enabled = 1
        AND k.key_policy IS NULL AND k.inherited_policies = '[]' AND k.expires_at_ms IS NULL))
  LIMIT 1`;

/**
 * Asked at the end of a transaction that took something from a global administrator.
 * @throws ControlError Conflict when nobody is left who can come in and do everything
 */
export async function requireAdministrator(queries: ControlQueries, nowMs: number): Promise<void> {
  if ((await queries.all(ABLE, [nowMs])).length > 0) return;
  throw new ControlError("Conflict", "The last active global administrator who can come in stays");
}
