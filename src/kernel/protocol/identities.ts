/** Who there is, as the control thread publishes it to every data worker. Source: the identity page, section 1. */

/** Suspended: credentials of it are refused, nothing is deleted. */
export type IdentityStatus = "active" | "suspended";

/** A tag: key and value. */
export type IdentityTag = readonly [key: string, value: string];

/** Bounds of a tenant; null is unlimited, 0 is zero, absent the server's default. */
export interface TenantLimits {
  /** Bytes of all versions and parts. */
  readonly maxBytes?: number | null;
  /** Visible keys. */
  readonly maxObjects?: number | null;
  readonly maxBuckets?: number | null;
  readonly maxUsers?: number | null;
  readonly maxGroups?: number | null;
  readonly maxRoles?: number | null;
  readonly maxPolicies?: number | null;
  /** Access keys of one user. */
  readonly maxKeysPerUser?: number | null;
  readonly requestsPerSecond?: number | null;
  readonly maxConnections?: number | null;
  readonly bytesPerSecond?: number | null;
}

/** Bounds of one access key; null and absent are unlimited. */
export type KeyLimits = Pick<TenantLimits, "requestsPerSecond" | "maxConnections" | "bytesPerSecond">;

/** Bounds of one bucket; null and absent are unlimited. */
export type BucketQuota = Pick<TenantLimits, "maxBytes" | "maxObjects">;

/** A tenant, what AWS calls an account: it owns buckets, objects and identities. */
export interface TenantEntry {
  /** ULID. */
  readonly tenantId: string;
  readonly slug: string;
  readonly displayName: string;
  /** 12 digits. */
  readonly accountId: string;
  /** 64 hex digits. */
  readonly canonicalId: string;
  readonly status: IdentityStatus;
  readonly limits: TenantLimits;
}

/** A policy that belongs to one identity. */
export interface InlinePolicy {
  readonly name: string;
  /** JSON, as it was accepted. */
  readonly text: string;
}

/** What all identities with policies have. Ids of built-in policies are their ARNs, of others `ANPA...`. */
export interface PolicyHolder {
  readonly tenantId: string;
  readonly name: string;
  /** Begins and ends with a slash. */
  readonly path: string;
  readonly policyIds: readonly string[];
  readonly inlinePolicies: readonly InlinePolicy[];
}

/** A user of one tenant. */
export interface UserEntry extends PolicyHolder {
  /** `AIDA...` */
  readonly userId: string;
  /** A global administrator: actions on the whole server need it, and a policy. */
  readonly global: boolean;
  readonly status: IdentityStatus;
  readonly tags: readonly IdentityTag[];
  readonly boundaryPolicyId: string | null;
  readonly groupIds: readonly string[];
}

/** A group: its policies count for its members. */
export interface GroupEntry extends PolicyHolder {
  /** `AGPA...` */
  readonly groupId: string;
}

/** A role, assumed for a session. */
export interface RoleEntry extends PolicyHolder {
  /** `AROA...` */
  readonly roleId: string;
  readonly tags: readonly IdentityTag[];
  readonly boundaryPolicyId: string | null;
}

/** A managed policy's default version. */
export interface PolicyEntry {
  /** `ANPA...` */
  readonly policyId: string;
  readonly tenantId: string;
  /** `arn:aws:iam::<account>:policy<path><name>` */
  readonly arn: string;
  readonly text: string;
}

/** One access key; what it may do follows from its user, narrowed. */
export interface KeyEntry {
  readonly accessKeyId: string;
  readonly secretKey: string;
  readonly enabled: boolean;
  readonly userId: string;
  readonly tenantId: string;
  /** Milliseconds since 1970; null: never. */
  readonly expiresAtMs: number | null;
  /** Texts of policies that must all allow: those that narrowed what made the key, then its own. 8 at most. */
  readonly narrowing: readonly string[];
  readonly limits: KeyLimits;
}
