import type { RoleEntry, TenantEntry, UserEntry } from "../protocol/identities.ts";
import type { RevocationEntry } from "../protocol/sts.ts";
import type { SessionContent } from "./session-content.ts";

/** Why a session does not count any more. `gone`: a user or role it came from was deleted, or is no global administrator any more; `suspended`: that user, or a tenant, is. */
export interface SessionProblem {
  readonly kind: "expired" | "revoked" | "gone" | "suspended";
}

/** What there is now, by id. */
export interface SessionRecords {
  readonly tenant: ReadonlyMap<string, TenantEntry>;
  readonly user: ReadonlyMap<string, UserEntry>;
  readonly role: ReadonlyMap<string, RoleEntry>;
  readonly revocation: ReadonlyMap<string, RevocationEntry>;
}

/** What a session is judged by. */
export interface JudgedSession {
  readonly accessKeyId: string;
  readonly content: Pick<
    SessionContent,
    "tenantId" | "principalId" | "lineage" | "keyId" | "issuedAtMs" | "expiresAtMs"
  >;
}

/** Judges what an authentic token says by the time and by what there is now. @returns undefined when the session counts */
export function findSessionProblem(
  { accessKeyId, content }: JudgedSession,
  records: SessionRecords,
  nowMs: number,
): SessionProblem | undefined {
  if (nowMs >= content.expiresAtMs) return { kind: "expired" };
  const { principalId, tenantId, lineage, keyId, issuedAtMs } = content;
  for (const id of [accessKeyId, principalId, keyId, ...lineage]) {
    const revocation = id === undefined ? undefined : records.revocation.get(id);
    if (revocation !== undefined && issuedAtMs < revocation.beforeMs) return { kind: "revoked" };
  }
  const owner = findOwner(principalId, records);
  if (owner === undefined || (owner.tenantId !== tenantId && !mayEnter(owner))) return { kind: "gone" };
  if (records.tenant.get(tenantId)?.status === "suspended") return { kind: "suspended" };
  for (const id of [principalId, ...lineage]) {
    const problem = findPrincipalProblem(id, records);
    if (problem !== undefined) return { kind: problem };
  }
  return undefined;
}

/** A session in another tenant than its user's is one that a global administrator entered with. */
function mayEnter(owner: UserEntry | RoleEntry): boolean {
  return "global" in owner && owner.global;
}

function findOwner(id: string, { user, role }: SessionRecords): UserEntry | RoleEntry | undefined {
  return user.get(id) ?? role.get(id);
}

/** Ids of sessions are no principals. */
function findPrincipalProblem(id: string, records: SessionRecords): "gone" | "suspended" | undefined {
  if (!/^A(?:IDA|ROA)/.test(id)) return undefined;
  const owner = findOwner(id, records);
  const tenant = owner && records.tenant.get(owner.tenantId);
  if (owner === undefined || tenant === undefined) return "gone";
  const isActive = tenant.status === "active" && (!("status" in owner) || owner.status === "active");
  return isActive ? undefined : "suspended";
}
