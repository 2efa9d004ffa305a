import type { KeyEntry } from "#kernel/protocol/identities.ts";
import type { SnapshotChange } from "#kernel/protocol/snapshot.ts";
import type { AuditEvent, RecordAudit } from "../audit/audit-event.ts";
import type { ControlDatabase, ControlQueries } from "../database/control-database.ts";
import { SerialQueue } from "../database/serial-queue.ts";
import { ControlError } from "../http/control-error.ts";
import { readIdentities } from "../iam/read-identities.ts";
import type { SnapshotPublisher } from "../snapshot/publisher.ts";
import { defaultTenantSlug, ensureTenant, type IdentitySource } from "../tenants/ensure-tenant.ts";
import { ensureUser } from "../tenants/ensure-user.ts";
import { makeCredentials } from "../tenants/new-identifiers.ts";
import type { AccessKeyStore } from "./access-key-store.ts";

/** A key to be made. */
export interface NewKey {
  /** Made when there is none of this name in the tenant. */
  readonly userName: string;
  /** Slug of the tenant, made when there is none; `default` when absent. */
  readonly tenant?: string;
  /** Text of a policy: the key may do this much; the user is allowed it too. Null: what the user is allowed anyway. */
  readonly policy: string | null;
  /** Both or none: given values for imports; random ones when absent. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretKey: string };
}

/** What the feature stands on. */
export interface AccessKeysOptions extends IdentitySource {
  readonly database: ControlDatabase;
  readonly store: AccessKeyStore;
  readonly publisher: SnapshotPublisher;
  readonly record: RecordAudit;
}

/** Who changes a key, as the event tells it. */
export type KeyChangeOrigin = Pick<AuditEvent, "actor" | "requestId" | "address" | "agent" | "via">;

/** What everybody may do about the own log-in and keys. */
const selfServicePolicy = "arn:aws:iam::aws:policy/selfService";

const bySystem: KeyChangeOrigin = { actor: { kind: "system", id: "system", name: "system" }, via: "system" };

/**
 * The access keys of all users. A change is durable and known to every worker when its call resolves: a key works
 * everywhere then, or nowhere. Changes take turns, so that they are published in the order they were committed.
 */
export class AccessKeys {
  readonly #options: AccessKeysOptions;
  readonly #turns = new SerialQueue();

  constructor(options: AccessKeysOptions) {
    this.#options = options;
  }

  /** Keys in the order of their ids. */
  list(): readonly KeyEntry[] {
    const byId = (a: KeyEntry, b: KeyEntry) => (a.accessKeyId < b.accessKeyId ? -1 : 1);
    return [...this.#options.publisher.keys.values()].sort(byId);
  }

  /** One key. @throws ControlError NotFound. */
  get(accessKeyId: string): KeyEntry {
    const entry = this.#options.publisher.keys.get(accessKeyId);
    if (entry === undefined) throw new ControlError("NotFound");
    return entry;
  }

  /** Makes a key. The secret is in the answer and can be read nowhere else. @throws ControlError Conflict when the id is taken. */
  createKey(key: NewKey, origin: KeyChangeOrigin = bySystem): Promise<KeyEntry> {
    const { database, publisher, random } = this.#options;
    return this.#turns.run(async () => {
      const credentials = key.credentials ?? makeCredentials(random);
      const changes = await database.transaction((queries) => this.#make(queries, { ...key, ...credentials }, origin));
      await publisher.publish(changes);
      return this.get(credentials.accessKeyId);
    });
  }

  /** Removes a key. @throws ControlError NotFound; Conflict when it is the last one an administrator can use. */
  deleteKey(accessKeyId: string, origin: KeyChangeOrigin = bySystem): Promise<void> {
    const { database, store, record } = this.#options;
    return this.#turns.run(async () => {
      const entry = this.get(accessKeyId);
      this.#refuseLastAdministrator(entry);
      await database.transaction(async (queries) => {
        if (!(await store.remove(queries, accessKeyId))) throw new ControlError("NotFound");
        await record(queries, { ...origin, ...this.#event("iam:DeleteAccessKey", entry) });
      });
      await this.#options.publisher.publish([{ kind: "key", id: accessKeyId, value: null }]);
    });
  }

  /** Switches a key on or off. @throws ControlError NotFound; Conflict when it is the last one an administrator can use. */
  setEnabled(accessKeyId: string, enabled: boolean, origin: KeyChangeOrigin = bySystem): Promise<KeyEntry> {
    const { database, store, record, publisher } = this.#options;
    return this.#turns.run(async () => {
      const entry = this.get(accessKeyId);
      if (!enabled) this.#refuseLastAdministrator(entry);
      const value = { ...entry, enabled };
      await database.transaction(async (queries) => {
        const policy = entry.narrowing.at(-1) ?? null;
        if (!(await store.update(queries, { accessKeyId, policy, enabled }))) throw new ControlError("NotFound");
        const change = { enabled: { before: entry.enabled, after: enabled } };
        await record(queries, { ...origin, ...this.#event("iam:UpdateAccessKey", entry), change });
      });
      await publisher.publish([{ kind: "key", id: accessKeyId, value }]);
      return value;
    });
  }

  async #make(
    queries: ControlQueries,
    key: NewKey & { readonly accessKeyId: string; readonly secretKey: string },
    origin: KeyChangeOrigin,
  ): Promise<readonly SnapshotChange[]> {
    const { store, clock, random, record } = this.#options;
    const { accessKeyId, secretKey, policy } = key;
    const { tenantId } = await ensureTenant(queries, key.tenant ?? defaultTenantSlug, { clock, random });
    const who = { tenantId, name: key.userName, administrator: false };
    const { userId } = await ensureUser(queries, who, { clock, random });
    await queries.run(
      "INSERT INTO policy_attachments (identity_id, policy_id) VALUES ($1, $2) ON CONFLICT (identity_id, policy_id) DO NOTHING",
      [userId, selfServicePolicy],
    );
    const row = { accessKeyId, secretKey, userId, policy, createdAtMs: clock.nowMs() };
    if (!(await store.insert(queries, row))) throw new ControlError("Conflict", "The access key id is taken");
    if (policy !== null) {
      await queries.run("INSERT INTO inline_policies (identity_id, name, document) VALUES ($1, $2, $3)", [
        userId,
        `grants-of-${accessKeyId}`,
        policy,
      ]);
    }
    const { tenant, user } = await readIdentities(queries);
    const change = { policy: { after: policy }, userName: { after: key.userName } };
    const resource = { kind: "accessKey", id: accessKeyId, name: key.userName };
    await record(queries, { ...origin, tenantId, action: "iam:CreateAccessKey", resource, outcome: "success", change });
    const value = { accessKeyId, secretKey, enabled: true, userId, tenantId };
    return [
      { kind: "tenant", id: tenantId, value: tenant.find((one) => one.tenantId === tenantId) ?? null },
      { kind: "user", id: userId, value: user.find((one) => one.userId === userId) ?? null },
      {
        kind: "key",
        id: accessKeyId,
        value: { ...value, expiresAtMs: null, narrowing: policy === null ? [] : [policy], limits: {} },
      },
    ];
  }

  #refuseLastAdministrator(entry: KeyEntry): void {
    if (!this.#isGlobal(entry) || !entry.enabled) return;
    for (const other of this.#options.publisher.keys.values()) {
      if (this.#isGlobal(other) && other.enabled && other.accessKeyId !== entry.accessKeyId) return;
    }
    throw new ControlError("Conflict", "The last key of an administrator stays");
  }

  #isGlobal({ userId }: KeyEntry): boolean {
    return this.#options.publisher.entries("user").get(userId)?.global === true;
  }

  #event(
    action: string,
    { accessKeyId, userId, tenantId }: KeyEntry,
  ): Pick<AuditEvent, "tenantId" | "action" | "resource" | "outcome"> {
    const name = this.#options.publisher.entries("user").get(userId)?.name ?? userId;
    return { tenantId, action, resource: { kind: "accessKey", id: accessKeyId, name }, outcome: "success" };
  }
}
