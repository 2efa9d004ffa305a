import type { Grant, KeyEntry } from "#kernel/protocol/snapshot.ts";
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
}

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
  createKey(key: NewKey): Promise<KeyEntry> {
    const { database, store, clock, random } = this.#options;
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
        return { ...credentials, ...identity, enabled: true, administrator: user.administrator, grants: key.grants };
      });
      await this.#publish(entry.accessKeyId, entry);
      return entry;
    });
  }

  /** Removes a key. @throws ControlError NotFound; Conflict when it is the last one an administrator can use. */
  deleteKey(accessKeyId: string): Promise<void> {
    const { database, store } = this.#options;
    return this.#turns.run(async () => {
      this.#refuseLastAdministrator(this.get(accessKeyId));
      if (!(await store.remove(database, accessKeyId))) throw new ControlError("NotFound");
      await this.#publish(accessKeyId, null);
    });
  }

  /** Replaces what a key may do. @throws ControlError NotFound. */
  setGrants(accessKeyId: string, grants: readonly Grant[]): Promise<KeyEntry> {
    return this.#turns.run(() => this.#update({ ...this.get(accessKeyId), grants }));
  }

  /** Switches a key on or off. @throws ControlError NotFound; Conflict when it is the last one an administrator can use. */
  setEnabled(accessKeyId: string, enabled: boolean): Promise<KeyEntry> {
    return this.#turns.run(async () => {
      const entry = this.get(accessKeyId);
      if (!enabled) this.#refuseLastAdministrator(entry);
      return this.#update({ ...entry, enabled });
    });
  }

  async #update(entry: KeyEntry): Promise<KeyEntry> {
    const { database, store } = this.#options;
    if (!(await store.update(database, entry))) throw new ControlError("NotFound");
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
