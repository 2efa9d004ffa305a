import { linksOfKey } from "#kernel/policy/credential-link.ts";
import { IdentityPolicies } from "#kernel/policy/identity-policies.ts";
import type { KeyEntry, KeyLimits, TenantEntry } from "#kernel/protocol/identities.ts";
import type {
  BucketEntry,
  DataSettings,
  EntryKind,
  Snapshot,
  SnapshotChange,
  SnapshotDelta,
  SnapshotEntries,
} from "#kernel/protocol/snapshot.ts";
import { entryId } from "#kernel/protocol/snapshot.ts";
import { RecentMap } from "#kernel/sigv4/recent-map.ts";
import type { UserIdentity } from "./authorize.ts";
import { Sessions } from "./sessions.ts";

type EntryMaps = { readonly [Kind in EntryKind]: Map<string, SnapshotEntries[Kind]> };

/** Identities with compiled policies that are remembered: those used last. */
const maxIdentities = 4096;
const identityKinds: ReadonlySet<string> = new Set([
  ...["tenant", "user", "group", "role", "policy", "key", "tokenKey", "revocation"],
]);

/** A worker's copy of the control state: replaced by snapshots, moved on by deltas, never changed by requests. */
export class SnapshotStore {
  #number = 0;
  #settings: DataSettings;
  readonly #entries: EntryMaps = makeMaps();
  readonly #bucketsByName = new Map<string, BucketEntry>();
  readonly #onDeleted: (bucketId: string) => void;
  readonly #policies = new IdentityPolicies({
    findGroup: (groupId) => this.#entries.group.get(groupId),
    findPolicy: (policyId) => this.#entries.policy.get(policyId),
  });
  #identities = new RecentMap<UserIdentity>(maxIdentities);
  /** Temporary credentials. */
  readonly sessions = new Sessions(this.#entries, this.#policies);

  /** @param onDeleted told of each bucket that a delta or a snapshot takes away */
  constructor(snapshot: Snapshot, onDeleted: (bucketId: string) => void = () => {}) {
    this.#onDeleted = onDeleted;
    this.#settings = snapshot.settings;
    this.replace(snapshot);
  }

  get number(): number {
    return this.#number;
  }

  get settings(): DataSettings {
    return this.#settings;
  }

  /** An access key that is enabled and not expired. */
  findKey(accessKeyId: string, nowMs: number): KeyEntry | undefined {
    const entry = this.#entries.key.get(accessKeyId);
    if (!entry?.enabled || (entry.expiresAtMs !== null && entry.expiresAtMs <= nowMs)) return undefined;
    return entry;
  }

  /** Who holds an access key, with all policies about it; undefined when the key does not count, or its user is gone. */
  findIdentity(accessKeyId: string, nowMs: number): UserIdentity | undefined {
    const key = this.findKey(accessKeyId, nowMs);
    if (key === undefined) return undefined;
    const known = this.#identities.get(accessKeyId);
    if (known !== undefined) return known;
    const user = this.#entries.user.get(key.userId);
    const tenant = this.#entries.tenant.get(key.tenantId);
    if (user === undefined || tenant === undefined || user.tenantId !== tenant.tenantId) return undefined;
    const narrowing = linksOfKey(key);
    const resolved = this.#policies.resolveUser({ user, tenant, narrowing });
    const identity: UserIdentity = { kind: "user", key, user, tenant, ...resolved };
    this.#identities.set(accessKeyId, identity);
    return identity;
  }

  /** Bounds of an access key, whether it counts or not: sessions that came from it have them too. */
  findKeyLimits(accessKeyId: string): KeyLimits | undefined {
    return this.#entries.key.get(accessKeyId)?.limits;
  }

  findBucket(name: string): BucketEntry | undefined {
    return this.#bucketsByName.get(name);
  }

  /** All buckets, in no order. */
  buckets(): IterableIterator<BucketEntry> {
    return this.#entries.bucket.values();
  }

  /** A tenant, suspended or not. */
  findTenant(tenantId: string): TenantEntry | undefined {
    return this.#entries.tenant.get(tenantId);
  }

  /** Whether a tenant is known and not suspended. */
  isTenantActive(tenantId: string): boolean {
    return this.#entries.tenant.get(tenantId)?.status === "active";
  }

  replace(snapshot: Snapshot): void {
    this.#number = snapshot.number;
    this.#settings = snapshot.settings;
    const before = [...this.#entries.bucket.keys()];
    this.#bucketsByName.clear();
    this.#forgetIdentities();
    for (const map of Object.values(this.#entries)) map.clear();
    for (const kind of entryKinds()) this.#fill(kind, snapshot.entries[kind]);
    for (const bucket of snapshot.entries.bucket) this.#bucketsByName.set(bucket.name, bucket);
    for (const bucketId of before) if (!this.#entries.bucket.has(bucketId)) this.#onDeleted(bucketId);
  }

  /** @returns false when the delta does not follow the state: the worker must ask for a full snapshot */
  apply(delta: SnapshotDelta): boolean {
    if (delta.number !== this.#number + 1) return false;
    for (const change of delta.changes) this.#change(change);
    this.#number = delta.number;
    return true;
  }

  #change(change: SnapshotChange): void {
    if (identityKinds.has(change.kind)) this.#forgetIdentities();
    switch (change.kind) {
      case "settings":
        this.#settings = change.value;
        break;
      case "bucket":
        this.#setBucket(change.id, change.value);
        break;
      case "tenant":
        setEntry(this.#entries.tenant, change.id, change.value);
        break;
      case "user":
        setEntry(this.#entries.user, change.id, change.value);
        break;
      case "group":
        setEntry(this.#entries.group, change.id, change.value);
        break;
      case "role":
        setEntry(this.#entries.role, change.id, change.value);
        break;
      case "policy":
        setEntry(this.#entries.policy, change.id, change.value);
        break;
      case "key":
        setEntry(this.#entries.key, change.id, change.value);
        break;
      case "tokenKey":
        setEntry(this.#entries.tokenKey, change.id, change.value);
        break;
      case "revocation":
        setEntry(this.#entries.revocation, change.id, change.value);
    }
  }

  #fill<Kind extends EntryKind>(kind: Kind, entries: readonly SnapshotEntries[Kind][]): void {
    for (const entry of entries) this.#entries[kind].set(entryId[kind](entry), entry);
  }

  #forgetIdentities(): void {
    this.#identities = new RecentMap(maxIdentities);
    this.sessions.forget();
  }

  #setBucket(bucketId: string, value: BucketEntry | null): void {
    const old = this.#entries.bucket.get(bucketId);
    if (old && this.#bucketsByName.get(old.name) === old) this.#bucketsByName.delete(old.name);
    if (!value) {
      this.#entries.bucket.delete(bucketId);
      this.#onDeleted(bucketId);
      return;
    }
    this.#entries.bucket.set(bucketId, value);
    this.#bucketsByName.set(value.name, value);
  }
}

/** Whether a change may alter what an identity may do. */
export function concernsIdentities(changes: readonly SnapshotChange[]): boolean {
  return changes.some(({ kind }) => identityKinds.has(kind));
}

function makeMaps(): EntryMaps {
  return {
    tenant: new Map(),
    user: new Map(),
    group: new Map(),
    role: new Map(),
    policy: new Map(),
    key: new Map(),
    tokenKey: new Map(),
    revocation: new Map(),
    bucket: new Map(),
  };
}

function entryKinds(): readonly EntryKind[] {
  return ["tenant", "user", "group", "role", "policy", "key", "tokenKey", "revocation", "bucket"];
}

function setEntry<Value>(map: Map<string, Value>, id: string, value: Value | null): void {
  if (value === null) map.delete(id);
  else map.set(id, value);
}
