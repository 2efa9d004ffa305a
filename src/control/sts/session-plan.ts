import { builtInPrefix, findBuiltInPolicy } from "#kernel/policy/built-in-policies.ts";
import { type CredentialLink, maxCredentialLinks } from "#kernel/policy/credential-link.ts";
import type { IdentityTag } from "#kernel/protocol/identities.ts";
import type { SessionOrder, SessionPolicies } from "#kernel/protocol/sts.ts";
import { maxSessionTags } from "#kernel/sts/parse-session-order.ts";
import type { SessionContent } from "#kernel/sts/session-content.ts";
import { StsError } from "#kernel/sts/sts-error.ts";
import type { SnapshotPublisher } from "../snapshot/publisher.ts";
import type { SessionCaller } from "./session-caller.ts";
import type { WantedRole } from "./trust-decision.ts";

type AssumeRole = Extract<SessionOrder, { kind: "assumeRole" }>;
type GetSessionToken = Extract<SessionOrder, { kind: "getSessionToken" }>;

/** What bounds the life of a session beside the order. */
export interface LifeBounds {
  readonly nowMs: number;
  /** Of `security.sts_max_session_duration`, seconds. */
  readonly maxSeconds: number;
  readonly mfaAtMs: number | null;
}

/** Life of a session, seconds, when the client names none. */
const defaultSeconds = { assumed: 3600, own: 43_200 } as const;
/** A role assumed by a role's session lives no longer, seconds. */
const maxChainedSeconds = 3600;

/** Without a second factor a user's own session may not touch identities. Source: AWS STS, GetSessionToken. */
const withoutIam: CredentialLink = {
  layer: "sessionPolicy",
  texts: ['{"Version":"2012-10-17","Statement":{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}}'],
  policyIds: [],
};

/** A user's own session. @throws StsError AccessDenied for a caller that is a session itself, PackedPolicyTooLarge */
export function planOwnSession(order: GetSessionToken, caller: SessionCaller, bounds: LifeBounds): SessionContent {
  if (caller.session !== undefined) {
    throw new StsError("AccessDenied", "Cannot call GetSessionToken with session credentials");
  }
  const { nowMs, mfaAtMs } = bounds;
  const seconds = order.durationSeconds ?? defaultSeconds.own;
  return {
    tenantId: caller.tenant.tenantId,
    principalId: caller.principalId,
    sessionName: "",
    sourceIdentity: null,
    issuedAtMs: nowMs,
    expiresAtMs: endOf(seconds, caller, bounds),
    mfaAtMs,
    tags: [],
    transitiveTagKeys: [],
    chain: boundedChain([...caller.chain, ...(mfaAtMs === null ? [withoutIam] : [])]),
    lineage: [],
    keyId: caller.accessKeyId,
  };
}

/** Life of the credentials of an entered tenant, seconds. */
const entrySeconds = 3600;

/** A global administrator who enters a tenant. */
export interface TenantEntrance {
  readonly tenantId: string;
  readonly userId: string;
  readonly userName: string;
  /** Texts of policies that narrow the credential he calls with. */
  readonly narrowing: readonly string[];
  readonly readOnly: boolean;
  /** The session of the console, or the access key, that he calls with: it all ends with that. */
  readonly sessionId?: string;
  readonly accessKeyId?: string;
}

/** A global administrator's session in a tenant. @throws StsError PackedPolicyTooLarge */
export function planEntry(
  { tenantId, userId, userName, narrowing, readOnly, sessionId, accessKeyId }: TenantEntrance,
  { nowMs, maxSeconds, mfaAtMs }: LifeBounds,
): SessionContent {
  const narrowed = narrowing.map((text): CredentialLink => ({ layer: "keyPolicy", texts: [text], policyIds: [] }));
  const readonly: CredentialLink = { layer: "sessionPolicy", texts: [], policyIds: [`${builtInPrefix}readonly`] };
  return {
    ...{ tenantId, principalId: userId, sessionName: userName, sourceIdentity: null },
    ...{ issuedAtMs: nowMs, expiresAtMs: nowMs + Math.min(entrySeconds, maxSeconds) * 1000, mfaAtMs },
    ...{ tags: [], transitiveTagKeys: [], lineage: sessionId === undefined ? [] : [sessionId] },
    ...(accessKeyId !== undefined && { keyId: accessKeyId }),
    chain: boundedChain([...narrowed, ...(readOnly ? [readonly] : [])]),
  };
}

/** What narrows an assumed role's session and how long it lives. @throws StsError ValidationError, AccessDenied, PackedPolicyTooLarge */
export function planAssumedRole(
  order: AssumeRole,
  { caller, wanted, link }: { caller: SessionCaller; wanted: WantedRole; link: CredentialLink | undefined },
  bounds: LifeBounds & { readonly maxRoleSeconds: number },
): SessionContent {
  const { session, boundaryPolicyId } = caller;
  const inherited = inheritedTags(session);
  const boundary: CredentialLink | undefined =
    boundaryPolicyId === null ? undefined : { layer: "boundary", texts: [], policyIds: [boundaryPolicyId] };
  const keyId = session === undefined ? caller.accessKeyId : session.keyId;
  const before = session === undefined ? [] : [...session.lineage, caller.principalId, caller.accessKeyId];
  return {
    tenantId: wanted.tenant.tenantId,
    principalId: wanted.role.roleId,
    sessionName: order.sessionName,
    sourceIdentity: effectiveSourceIdentity(order, caller) ?? null,
    issuedAtMs: bounds.nowMs,
    expiresAtMs: endOf(assumedSeconds(order, caller, bounds.maxRoleSeconds), caller, bounds),
    mfaAtMs: order.mfa === undefined ? null : bounds.mfaAtMs,
    tags: joinTags(inherited, order.tags),
    transitiveTagKeys: [...inherited.map(([key]) => key), ...order.transitiveTagKeys],
    chain: boundedChain([...caller.chain, ...(boundary ? [boundary] : []), ...(link ? [link] : [])]),
    lineage: session === undefined ? [caller.principalId] : [...new Set(before)],
    ...(keyId !== undefined && { keyId }),
  };
}

/** The source identity of the session to be; once set it stays. @throws StsError AccessDenied on another one */
export function effectiveSourceIdentity(order: AssumeRole, { session }: SessionCaller): string | undefined {
  const kept = session?.sourceIdentity ?? undefined;
  if (kept !== undefined && order.sourceIdentity !== undefined && order.sourceIdentity !== kept) {
    throw new StsError("AccessDenied", "The source identity of a session cannot be changed");
  }
  return kept ?? order.sourceIdentity;
}

/**
 * The link of the session policies of a call; undefined without any.
 * @throws StsError ValidationError for a managed policy that is neither built in nor of the role's tenant
 */
export function sessionPolicyLink(
  { text, arns }: SessionPolicies,
  { tenant }: WantedRole,
  publisher: SnapshotPublisher,
): CredentialLink | undefined {
  if (text === undefined && arns.length === 0) return undefined;
  const policyIds = arns.map((arn) => {
    const id = arn.startsWith(builtInPrefix)
      ? findBuiltInPolicy(arn) && arn
      : publisher
          .entries("policy")
          .values()
          .find((policy) => policy.arn === arn && policy.tenantId === tenant.tenantId)?.policyId;
    if (id !== undefined) return id;
    throw new StsError(
      "ValidationError",
      `There is no policy ${JSON.stringify(arn.slice(0, 256))} in the role's account`,
    );
  });
  return { layer: "sessionPolicy", texts: text === undefined ? [] : [text], policyIds };
}

function assumedSeconds(order: AssumeRole, { session }: SessionCaller, maxRoleSeconds: number): number {
  const { durationSeconds: asked = Math.min(defaultSeconds.assumed, maxRoleSeconds) } = order;
  if (session?.principalId.startsWith("AROA") === true && asked > maxChainedSeconds) {
    throw new StsError(
      "ValidationError",
      "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
    );
  }
  if (asked <= maxRoleSeconds) return asked;
  throw new StsError(
    "ValidationError",
    "The requested DurationSeconds exceeds the MaxSessionDuration set for this role",
  );
}

/** The setting caps silently, as does the end of the access key. */
function endOf(seconds: number, { expiresAtMs }: SessionCaller, { nowMs, maxSeconds }: LifeBounds): number {
  return Math.min(nowMs + Math.min(seconds, maxSeconds) * 1000, expiresAtMs ?? Number.MAX_SAFE_INTEGER);
}

function inheritedTags(session: SessionContent | undefined): readonly IdentityTag[] {
  if (session === undefined) return [];
  const transitive = new Set(session.transitiveTagKeys.map((key) => key.toLowerCase()));
  return session.tags.filter(([key]) => transitive.has(key.toLowerCase()));
}

function joinTags(inherited: readonly IdentityTag[], given: readonly IdentityTag[]): readonly IdentityTag[] {
  const taken = new Set(inherited.map(([key]) => key.toLowerCase()));
  if (given.some(([key]) => taken.has(key.toLowerCase()))) {
    throw new StsError("ValidationError", "A tag that the session inherits cannot be given again");
  }
  const tags = [...inherited, ...given];
  if (tags.length <= maxSessionTags) return tags;
  throw new StsError("ValidationError", `A session may have ${maxSessionTags} tags, those inherited included`);
}

function boundedChain(links: readonly CredentialLink[]): readonly CredentialLink[] {
  const distinct = new Map(links.map((link) => [JSON.stringify(link), link]));
  if (distinct.size <= maxCredentialLinks) return [...distinct.values()];
  throw new StsError(
    "PackedPolicyTooLarge",
    `At most ${maxCredentialLinks} policies may narrow a credential one after the other`,
  );
}
