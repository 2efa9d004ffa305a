import type {
  BucketQuota,
  GroupEntry,
  KeyEntry,
  PolicyEntry,
  RoleEntry,
  TenantEntry,
  UserEntry,
} from "./identities.ts";
import type { RevocationEntry, TokenKeyEntry } from "./sts.ts";

/**
 * What the control thread publishes to every data worker: immutable and numbered.
 * A worker gets one full snapshot at start, then deltas; a gap in the numbers makes it ask for a full one again.
 */

/** One bucket as every worker knows it. Names are aliases: everything else refers to `bucketId`. */
export interface BucketEntry {
  /** ULID, 26 characters. */
  readonly bucketId: string;
  readonly name: string;
  readonly tenantId: string;
  readonly accountId: string;
  readonly ownerCanonicalId: string;
  readonly ownerDisplayName: string;
  /** Label given at creation; `us-east-1` when none was. */
  readonly region: string;
  readonly createdAtMs: number;
  readonly versioning: "never" | "enabled" | "suspended";
  readonly tags: readonly (readonly [key: string, value: string])[];
  readonly quota: BucketQuota;
  /** Row of the bucket in the slots of metrics; absent: `_other`. */
  readonly metricsRow?: number;
}

/** Dynamic settings the data plane obeys. Names, units and defaults: the settings table. */
export interface DataSettings {
  readonly "security.signature_v2": "off" | "presigned" | "all";
  readonly "s3.region": string;
  readonly "s3.strict_region": boolean;
  readonly "s3.allow_sse_c_http": boolean;
  readonly "server.s3_domains": readonly string[];
  /** Addresses or CIDR ranges. */
  readonly "server.trusted_proxies": readonly string[];
  readonly "server.max_connections_per_address": number;
  readonly "system.maintenance_mode": boolean;
  readonly "system.max_upload_size_mb": number;
  readonly "storage.inline_threshold": number;
  readonly "storage.reserve_bytes": number;
  readonly "history.window": number;
  readonly "logging.access_enabled": boolean;
  readonly "audit.log_data_events": "none" | "writes" | "all";
  readonly "audit.on_failure": "continue" | "refuse";
  readonly "tracing.enabled": boolean;
  readonly "tracing.sample_percent": number;
}

/** Everything that is published entry by entry, by kind. */
export interface SnapshotEntries {
  readonly tenant: TenantEntry;
  readonly user: UserEntry;
  readonly group: GroupEntry;
  readonly role: RoleEntry;
  readonly policy: PolicyEntry;
  readonly key: KeyEntry;
  readonly tokenKey: TokenKeyEntry;
  readonly revocation: RevocationEntry;
  readonly bucket: BucketEntry;
}

/** Kinds of entries. */
export type EntryKind = keyof SnapshotEntries;

/** What an entry is found by: its own id, unique within its kind. */
export const entryId: { readonly [Kind in EntryKind]: (entry: SnapshotEntries[Kind]) => string } = {
  tenant: ({ tenantId }) => tenantId,
  user: ({ userId }) => userId,
  group: ({ groupId }) => groupId,
  role: ({ roleId }) => roleId,
  policy: ({ policyId }) => policyId,
  key: ({ accessKeyId }) => accessKeyId,
  tokenKey: ({ keyId }) => keyId,
  revocation: ({ revocationId }) => revocationId,
  bucket: ({ bucketId }) => bucketId,
};

/** The whole state at one number. */
export interface Snapshot {
  readonly number: number;
  readonly entries: { readonly [Kind in EntryKind]: readonly SnapshotEntries[Kind][] };
  readonly settings: DataSettings;
}

/** One replaced or removed entry (`value` null), or the settings. */
export type SnapshotChange =
  | {
      [Kind in EntryKind]: { readonly kind: Kind; readonly id: string; readonly value: SnapshotEntries[Kind] | null };
    }[EntryKind]
  | { readonly kind: "settings"; readonly id: "settings"; readonly value: DataSettings };

/** What changed from `number - 1` to `number`. */
export interface SnapshotDelta {
  readonly number: number;
  readonly changes: readonly SnapshotChange[];
}
