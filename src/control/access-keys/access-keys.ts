import type { Grant, KeyEntry } from "#kernel/protocol/snapshot.ts";
import type { AuditEvent, RecordAudit } from "../audit/audit-event.ts";
import type { ControlDatabase } from "../database/control-database.ts";
import { SerialQueue } from "../database/serial-queue.ts";
import { ControlError } from "../http/control-error.ts";
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
  readonly grants: readonly Grant[];
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
    const { database, store, clock, random, record } = this.#options;
    return this.#turns.run(async () => {
      const entry = await database.transaction(async (queries): Promise<KeyEntry> => {
        const tenant = await ensureTenant(queries, key.tenant ?? defaultTenantSlug, { clock, random });
        const who = { tenantId: tenant.tenantId, name: key.userName, administrator: false };
        const user = await ensureUser(queries, who, { clock, random });
        const credentials = key.credentials ?? makeCredentials(random);
        const row = { ...credentials, userId: user.userId, grants: key.grants, createdAtMs: clock.nowMs() };
        if (!(await store.insert(queries, row))) throw new ControlError("Conflict", "The access key id is taken");
        const { tenantId, accountId, canonicalId, displayName } = tenant;
        const identity = { tenantId, accountId, canonicalId, displayName, userId: user.userId, userName: user.name };
        const { administrator } = user;
        const made = { ...credentials, ...identity, enabled: true, administrator, grants: key.grants };
        const change = { grants: { after: key.grants }, userName: { after: user.name } };
        await record(queries, { ...origin, ...keyEvent("iam:CreateAccessKey", made), change });
        return made;
      });
      await this.#publish(entry.accessKeyId, entry);
      return entry;
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
        await record(queries, { ...origin, ...keyEvent("iam:DeleteAccessKey", entry) });
      });
      await this.#publish(accessKeyId, null);
    });
  }

  /** Replaces what a key may do. @throws ControlError NotFound. */
  setGrants(accessKeyId: string, grants: readonly Grant[], origin: KeyChangeOrigin = bySystem): Promise<KeyEntry> {
    return this.#turns.run(() => {
      const entry = this.get(accessKeyId);
      const change = { grants: { before: entry.grants, after: grants } };
      return this.#update({ ...entry, grants }, { ...origin, change });
    });
  }

  /** Switches a key on or off. @throws ControlError NotFound; Conflict when it is the last one an administrator can use. */
  setEnabled(accessKeyId: string, enabled: boolean, origin: KeyChangeOrigin = bySystem): Promise<KeyEntry> {
    return this.#turns.run(async () => {
      const entry = this.get(accessKeyId);
      if (!enabled) this.#refuseLastAdministrator(entry);
      const change = { enabled: { before: entry.enabled, after: enabled } };
      return this.#update({ ...entry, enabled }, { ...origin, change });
    });
  }

  async #update(entry: KeyEntry, event: KeyChangeOrigin & Pick<AuditEvent, "change">): Promise<KeyEntry> {
    const { database, store, record } = this.#options;
    await database.transaction(async (queries) => {
      if (!(await store.update(queries, entry))) throw new ControlError("NotFound");
      await record(queries, { ...event, ...keyEvent("iam:UpdateAccessKey", entry) });
    });
    await this.#publish(entry.accessKeyId, entry);
    return entry;
  }

  #refuseLastAdministrator(entry: KeyEntry): void {
    if (!entry.administrator || !entry.enabled) return;
    for (const other of this.#options.publisher.keys.values()) {
      if (other.administrator && other.enabled && other.accessKeyId !== entry.accessKeyId) return;
    }
    throw new ControlError("Conflict", "The last key of an administrator stays");
  }

  async #publish(id: string, value: KeyEntry | null): Promise<void> {
    await this.#options.publisher.publish([{ kind: "key", id, value }]);
  }
}

function keyEvent(
  action: string,
  { accessKeyId, userName, tenantId }: KeyEntry,
): Pick<AuditEvent, "tenantId" | "action" | "resource" | "outcome"> {
  return { tenantId, action, resource: { kind: "accessKey", id: accessKeyId, name: userName }, outcome: "success" };
}
