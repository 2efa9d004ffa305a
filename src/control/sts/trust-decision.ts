import { compilePolicyText } from "#kernel/policy/compile-policy.ts";
import { tagValues } from "#kernel/policy/condition-keys.ts";
import { evaluateAccess } from "#kernel/policy/evaluate-access.ts";
import { identityArn } from "#kernel/policy/identity-arn.ts";
import type { ConditionValues } from "#kernel/policy/pattern.ts";
import type { ResolvePrincipal } from "#kernel/policy/principal.ts";
import type { IdentityTag, RoleEntry, TenantEntry } from "#kernel/protocol/identities.ts";
import type { CallOrigin } from "#kernel/protocol/to-control.ts";
import type { SessionCaller } from "./session-caller.ts";

/** The role that somebody wants to assume. */
export interface WantedRole {
  readonly role: RoleEntry;
  readonly tenant: TenantEntry;
  /** JSON, as it was accepted. */
  readonly trustPolicy: string;
}

/** What the caller says of the session to be. */
export interface WantedSession {
  readonly sessionName: string;
  readonly externalId: string | undefined;
  /** Inherited or given. */
  readonly sourceIdentity: string | undefined;
  /** Given in this call. */
  readonly tags: readonly IdentityTag[];
  readonly transitiveTagKeys: readonly string[];
}

/** The request as conditions see it. */
export interface TrustContext {
  readonly origin: CallOrigin;
  /** Over TLS. */
  readonly secure: boolean;
  readonly nowMs: number;
  /** When the second factor was given, with this call or when the caller's session began; null: never. */
  readonly mfaAtMs: number | null;
}

/** Asks the role's trust policy and the caller's own policies whether the caller may do `action` to the role. */
export function isTrusted(
  action: string,
  { role, tenant, trustPolicy }: WantedRole,
  { caller, values }: { readonly caller: SessionCaller; readonly values: ConditionValues },
): boolean {
  const name = `${identityArn(tenant.accountId, "role", role)} trust policy`;
  const policy = compilePolicyText(trustPolicy, { kind: "trust" }, { name, resolvePrincipal: refuseNames });
  const resource = {
    ...{ partition: "aws", service: "iam", region: "", account: tenant.accountId },
    ...{ path: `role${role.path}${role.name}`, plainName: false },
  };
  const { narrowing, identity } = caller.identity;
  const grants = { isPublic: false, opensObject: true, aclAllows: false, restrictsPublic: false };
  const decision = evaluateAccess(
    { action, resource, caller: caller.identity.caller, values },
    { narrowing, identity, resource: { layer: "trustPolicy", policy, ...grants } },
  );
  return decision.outcome === "allow";
}

/** Stored policies name users and roles by their ids. A name left in one stands for nobody: whoever bears it later inherits nothing. */
const refuseNames: ResolvePrincipal = () => undefined;

/** The values of condition keys for a request to assume a role. Source: the identity page, section 4. */
export function trustValues(
  { role, tenant }: WantedRole,
  caller: SessionCaller,
  { session, context }: { readonly session: WantedSession; readonly context: TrustContext },
): ConditionValues {
  const { origin, secure, nowMs, mfaAtMs } = context;
  const values = new Map<string, string | readonly string[]>(caller.identity.values);
  const set = (name: string, value: string | readonly string[] | undefined) => {
    if (value !== undefined && value.length > 0) values.set(name, value);
  };
  set("aws:CurrentTime", new Date(nowMs).toISOString());
  set("aws:EpochTime", String(Math.floor(nowMs / 1000)));
  set("aws:SecureTransport", String(secure));
  set("aws:SourceIp", origin.address);
  set("aws:UserAgent", origin.agent);
  set("aws:ResourceAccount", tenant.accountId);
  for (const [key, value] of tagValues("aws:ResourceTag/", role.tags)) set(key, value);
  for (const [key, value] of tagValues("aws:RequestTag/", session.tags)) values.set(key, value);
  set(
    "aws:TagKeys",
    session.tags.map(([key]) => key),
  );
  if (mfaAtMs !== null) {
    set("aws:MultiFactorAuthPresent", "true");
    set("aws:MultiFactorAuthAge", String(Math.max(0, Math.floor((nowMs - mfaAtMs) / 1000))));
  }
  set("sts:ExternalId", session.externalId);
  set("sts:RoleSessionName", session.sessionName);
  set("sts:SourceIdentity", session.sourceIdentity);
  set("sts:TransitiveTagKeys", session.transitiveTagKeys);
  set("maxiofs:Via", "s3");
  return values;
}
