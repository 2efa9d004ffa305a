import type { Clock } from "#kernel/base/clock.ts";
import type { Random } from "#kernel/base/random.ts";
import { createUlidMaker } from "#kernel/base/ulid.ts";
import type { ControlQueries, SqlRow } from "../database/control-database.ts";
import { readText } from "../database/row-values.ts";
import { makeAccountId, makeCanonicalId } from "./new-identifiers.ts";

/** A tenant: what AWS calls an account. It owns buckets and objects. */
export interface Tenant {
  /** ULID. */
  readonly tenantId: string;
  /** 3 to 40 of `[a-z0-9-]`, letter first. */
  readonly slug: string;
  readonly displayName: string;
  /** 12 digits. */
  readonly accountId: string;
  /** 64 hex digits. */
  readonly canonicalId: string;
}

/** What making tenants and users needs besides the transaction. */
export interface IdentitySource {
  readonly clock: Clock;
  readonly random: Random;
}

/** The tenant that always exists. */
export const defaultTenantSlug = "default";

/** Names of tenants. */
export const tenantSlugPattern = /^[a-z][a-z0-9-]{2,39}$/;

/** The tenant of this slug, made when there is none. Runs inside the caller's transaction. */
export async function ensureTenant(queries: ControlQueries, slug: string, source: IdentitySource): Promise<Tenant> {
  const [row] = await queries.all(
    "SELECT tenant_id, slug, display_name, account_id, canonical_id FROM tenants WHERE slug = $1",
    [slug],
  );
  if (row !== undefined) return readTenant(row);
  const { clock, random } = source;
  const tenant: Tenant = {
    tenantId: createUlidMaker(clock, random)(),
    slug,
    displayName: slug,
    accountId: makeAccountId(random),
    canonicalId: makeCanonicalId(random),
  };
  await queries.run(
    `INSERT INTO tenants (tenant_id, slug, display_name, account_id, canonical_id, created_at_ms)
     VALUES ($1, $2, $3, $4, $5, $6)`,
    [tenant.tenantId, slug, tenant.displayName, tenant.accountId, tenant.canonicalId, clock.nowMs()],
  );
  return tenant;
}

function readTenant(row: SqlRow): Tenant {
  return {
    tenantId: readText(row, "tenant_id"),
    slug: readText(row, "slug"),
    displayName: readText(row, "display_name"),
    accountId: readText(row, "account_id"),
    canonicalId: readText(row, "canonical_id"),
  };
}
