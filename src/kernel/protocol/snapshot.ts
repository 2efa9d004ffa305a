/**
 * What the control thread publishes to every data worker: immutable and numbered.
 * A worker gets one full snapshot at start, then deltas; a gap in the numbers makes it ask for a full one again.
 */

/** A minimal allow-list until the policy engine arrives: both lists match with `*` and `?`; resources are ARNs. */
export interface Grant {
  readonly actions: readonly string[];
  readonly resources: readonly string[];
}

/** One access key with the identity it stands for. */
export interface KeyEntry {
  readonly accessKeyId: string;
  readonly secretKey: string;
  readonly enabled: boolean;
  /** AWS-like user id, `AIDA...`. */
  readonly userId: string;
  readonly userName: string;
  readonly tenantId: string;
  /** 12 digits. */
  readonly accountId: string;
  /** 64 hex digits. */
  readonly canonicalId: string;
  readonly displayName: string;
  /** True for the first administrator: every action is allowed. */
  readonly administrator: boolean;
  readonly grants: readonly Grant[];
}

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
}

/** Dynamic settings the data plane obeys. Names, units and defaults: the settings table. */
export interface DataSettings {
  readonly "security.signature_v2": "off" | "presigned" | "all";
  readonly "s3.region": string;
  readonly "s3.strict_region": boolean;
  readonly "s3.allow_sse_c_http": boolean;
  readonly "server.s3_domains": readonly string[];
  readonly "server.max_connections_per_address": number;
  readonly "system.maintenance_mode": boolean;
  readonly "system.max_upload_size_mb": number;
  readonly "storage.inline_threshold": number;
  readonly "storage.reserve_bytes": number;
  readonly "history.window": number;
}

/** The whole state at one number. */
export interface Snapshot {
  readonly number: number;
  readonly keys: readonly KeyEntry[];
  readonly buckets: readonly BucketEntry[];
  readonly settings: DataSettings;
}

/** One replaced or removed entry (`value` null). */
export type SnapshotChange =
  | { readonly kind: "key"; readonly id: string; readonly value: KeyEntry | null }
  | { readonly kind: "bucket"; readonly id: string; readonly value: BucketEntry | null }
  | { readonly kind: "settings"; readonly id: "settings"; readonly value: DataSettings };

/** What changed from `number - 1` to `number`. */
export interface SnapshotDelta {
  readonly number: number;
  readonly changes: readonly SnapshotChange[];
}
