import type { ControlDatabase } from "../database/control-database.ts";
import { administratorPolicy } from "../iam/policy-texts.ts";
import { defaultTenantSlug, ensureTenant, type IdentitySource } from "../tenants/ensure-tenant.ts";
import { ensureUser } from "../tenants/ensure-user.ts";
import { type Credentials, makeCredentials } from "../tenants/new-identifiers.ts";
import type { AccessKeyStore } from "./access-key-store.ts";

/** The administrator's key that a first start made. */
export interface FirstAdministrator extends Credentials {
  /** True when the key was made at random, so that it must be shown now: it can be read nowhere later. */
  readonly generated: boolean;
}

/** What the first start needs. */
export interface FirstAdministratorSource extends IdentitySource {
  readonly database: ControlDatabase;
  readonly store: AccessKeyStore;
  /** From the configuration; means nothing on later starts. */
  readonly given: Credentials | undefined;
  /** From the configuration; means nothing on later starts. */
  readonly userName?: string;
}

/** Makes the tenant `default` and its administrator with one access key, or does nothing when there is an administrator. */
export function ensureFirstAdministrator(source: FirstAdministratorSource): Promise<FirstAdministrator | undefined> {
  const { database, store, given, userName = "admin", clock, random } = source;
  return database.transaction(async (queries) => {
    const administrators = await queries.all("SELECT user_id FROM users WHERE is_global = 1 LIMIT 1");
    if (administrators.length > 0) return undefined;
    const tenant = await ensureTenant(queries, defaultTenantSlug, { clock, random });
    const who = { tenantId: tenant.tenantId, name: userName, administrator: true };
    const user = await ensureUser(queries, who, { clock, random });
    const { accessKeyId, secretKey } = given ?? makeCredentials(random);
    const createdAtMs = clock.nowMs();
    await store.insert(queries, {
      accessKeyId,
      secretKey,
      userId: user.userId,
      policy: null,
      description: "",
      expiresAtMs: null,
      limits: {},
      createdAtMs,
    });
    await queries.run("INSERT INTO policy_attachments (identity_id, policy_id) VALUES ($1, $2)", [
      user.userId,
      administratorPolicy,
    ]);
    return { accessKeyId, secretKey, generated: given === undefined };
  });
}
