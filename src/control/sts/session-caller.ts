import type { CredentialLink } from "#kernel/policy/credential-link.ts";
import { linksOfKey } from "#kernel/policy/credential-link.ts";
import type { IdentityPolicies, ResolvedIdentity } from "#kernel/policy/identity-policies.ts";
import type { TenantEntry } from "#kernel/protocol/identities.ts";
import type { SigningCredential } from "#kernel/protocol/sts.ts";
import type { SessionContent } from "#kernel/sts/session-content.ts";
import { findSessionProblem, type SessionProblem } from "#kernel/sts/session-problem.ts";
import { StsError } from "#kernel/sts/sts-error.ts";
import type { SnapshotPublisher } from "../snapshot/publisher.ts";

/** Who asks for a session, as it is at this moment. */
export interface SessionCaller {
  readonly accessKeyId: string;
  readonly identity: ResolvedIdentity;
  readonly tenant: TenantEntry;
  /** `AIDA...` or `AROA...` */
  readonly principalId: string;
  /** The credential is temporary itself. */
  readonly session: SessionContent | undefined;
  /** What narrows the credential, without the boundary of its user or role. */
  readonly chain: readonly CredentialLink[];
  readonly boundaryPolicyId: string | null;
  /** Of a stored access key; null: never. */
  readonly expiresAtMs: number | null;
}

/** What a caller is resolved with. */
export interface CallerSource {
  readonly publisher: SnapshotPublisher;
  readonly policies: IdentityPolicies;
  readonly nowMs: number;
}

/**
 * Resolves a credential whose signature a worker has verified, anew: it may have gone since.
 * @throws StsError InvalidClientTokenId, ExpiredToken, AccessDenied (suspended)
 */
export function resolveSessionCaller({ accessKeyId, session }: SigningCredential, source: CallerSource): SessionCaller {
  return session === undefined ? resolveKey(accessKeyId, source) : resolveSession(accessKeyId, session, source);
}

function resolveKey(accessKeyId: string, { publisher, policies, nowMs }: CallerSource): SessionCaller {
  const key = publisher.keys.get(accessKeyId);
  const user = key && publisher.entries("user").get(key.userId);
  const tenant = user && publisher.entries("tenant").get(user.tenantId);
  if (!key?.enabled || user === undefined || tenant === undefined) throw new StsError("InvalidClientTokenId");
  if (key.expiresAtMs !== null && key.expiresAtMs <= nowMs) throw new StsError("InvalidClientTokenId");
  if (user.status !== "active" || tenant.status !== "active") throw accountProblem();
  const chain = linksOfKey(key);
  return {
    ...{ accessKeyId, tenant, chain, session: undefined },
    identity: policies.resolveUser({ user, tenant, narrowing: chain }),
    principalId: user.userId,
    boundaryPolicyId: user.boundaryPolicyId,
    expiresAtMs: key.expiresAtMs,
  };
}

function resolveSession(accessKeyId: string, session: SessionContent, source: CallerSource): SessionCaller {
  const { publisher, policies, nowMs } = source;
  const { principalId, tenantId, chain } = session;
  const problem = findSessionProblem({ accessKeyId, content: session }, recordsOf(publisher), nowMs);
  if (problem !== undefined) throw problemError(problem);
  const user = publisher.entries("user").get(principalId);
  const role = publisher.entries("role").get(principalId);
  const tenant = publisher.entries("tenant").get(tenantId);
  if (tenant === undefined) throw new StsError("InvalidClientTokenId");
  if (user !== undefined && user.tenantId !== tenantId)
    throw new StsError("AccessDenied", "Credentials of an entered tenant give out no others");
  const identity = user
    ? policies.resolveUser({ user, tenant, narrowing: chain, session })
    : role && policies.resolveRole({ role, tenant, session });
  if (identity === undefined) throw new StsError("InvalidClientTokenId");
  const boundaryPolicyId = (user ?? role)?.boundaryPolicyId ?? null;
  return { accessKeyId, identity, tenant, principalId, session, chain, boundaryPolicyId, expiresAtMs: null };
}

/** The records that sessions are judged by. */
export function recordsOf(publisher: SnapshotPublisher): Parameters<typeof findSessionProblem>[1] {
  return {
    tenant: publisher.entries("tenant"),
    user: publisher.entries("user"),
    role: publisher.entries("role"),
    revocation: publisher.entries("revocation"),
  };
}

function problemError({ kind }: SessionProblem): StsError {
  if (kind === "suspended") return accountProblem();
  return new StsError(kind === "gone" ? "InvalidClientTokenId" : "ExpiredToken");
}

function accountProblem(): StsError {
  return new StsError(
    "AccessDenied",
    "There is a problem with your account that prevents the operation from completing",
  );
}
