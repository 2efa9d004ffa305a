import { type Decision, evaluateAccess, type PolicySets } from "#kernel/policy/evaluate-access.ts";
import type { AccessedResource } from "#kernel/policy/evaluate-statement.ts";
import type { ResolvedIdentity } from "#kernel/policy/identity-policies.ts";
import type { ConditionValues } from "#kernel/policy/pattern.ts";
import type { Caller } from "#kernel/policy/principal.ts";
import type { KeyEntry, TenantEntry, UserEntry } from "#kernel/protocol/identities.ts";
import type { BucketEntry } from "#kernel/protocol/snapshot.ts";
import type { SessionContent } from "#kernel/sts/session-content.ts";

/** The holder of an access key. */
export interface UserIdentity extends ResolvedIdentity {
  readonly kind: "user";
  readonly key: KeyEntry;
  readonly user: UserEntry;
  readonly tenant: TenantEntry;
}

/** The holder of temporary credentials: a user, or a role in a session. */
export interface SessionIdentity extends ResolvedIdentity {
  readonly kind: "session";
  /** `ASIA...` */
  readonly accessKeyId: string;
  readonly tenant: TenantEntry;
  readonly session: SessionContent;
}

/** Whoever signs. */
export type SignedIdentity = UserIdentity | SessionIdentity;

/** Who asks: the holder of a credential, or nobody in particular. */
export type Identity = SignedIdentity | { readonly kind: "anonymous" };

/** What a caller wants to do. */
export interface WantedAccess {
  /** For example `s3:GetObject`. */
  readonly action: string;
  readonly resource: AccessedResource;
  readonly values: ConditionValues;
}

const anonymous = { caller: { kind: "anonymous" }, narrowing: [], identity: [] } as const;

/** The one place that decides whether a request may do something: default deny. */
export function authorize(identity: Identity, { action, resource, values }: WantedAccess): Decision {
  const { caller, sets } = accessSets(identity);
  return evaluateAccess({ action, resource, caller, values }, sets);
}

/** Who asks, as policies name it, and every policy that speaks about it. */
export function accessSets(identity: Identity): { readonly caller: Caller; readonly sets: PolicySets } {
  const { caller, narrowing, identity: policies } = identity.kind === "anonymous" ? anonymous : identity;
  return { caller, sets: { narrowing, identity: policies, resource: undefined } };
}

/** A bucket as policies see it, or an object in it. Names are unique: a plain ARN means it wherever the caller is at home. */
export function bucketResource(
  { name, accountId }: Pick<BucketEntry, "name" | "accountId">,
  key?: string,
): AccessedResource {
  const path = key === undefined ? name : `${name}/${key}`;
  return { partition: "aws", service: "s3", region: "", account: accountId, path, plainName: true };
}

/** S3 as a whole, for actions on no bucket. */
export const wholeService: AccessedResource = {
  ...{ partition: "aws", service: "s3", region: "", account: "", path: "*", plainName: true },
};
