import type { IdentityPolicies } from "#kernel/policy/identity-policies.ts";
import type { RoleEntry, TenantEntry, UserEntry } from "#kernel/protocol/identities.ts";
import type { RevocationEntry, TokenKeyEntry } from "#kernel/protocol/sts.ts";
import { RecentMap } from "#kernel/sigv4/recent-map.ts";
import { findSessionProblem, type SessionProblem } from "#kernel/sts/session-problem.ts";
import { type OpenedToken, openSessionToken } from "#kernel/sts/session-token.ts";
import type { SessionIdentity } from "./authorize.ts";

/** Where a session's records are found. */
export interface SessionEntries {
  readonly tenant: ReadonlyMap<string, TenantEntry>;
  readonly user: ReadonlyMap<string, UserEntry>;
  readonly role: ReadonlyMap<string, RoleEntry>;
  readonly tokenKey: ReadonlyMap<string, TokenKeyEntry>;
  readonly revocation: ReadonlyMap<string, RevocationEntry>;
}

/** A session that counts, or why it does not; `invalid`: the token is not ours, or not of this access key. */
export type FoundSession =
  | { readonly kind: "session"; readonly secretKey: string; readonly identity: SessionIdentity }
  | { readonly kind: "invalid" }
  | SessionProblem;

interface KnownSession extends OpenedToken {
  readonly token: string;
  /** Made when somebody asks who it is. */
  identity: SessionIdentity | undefined;
}

/** Sessions whose opened token and policies are remembered: those used last. A token has 4 KiB at most. */
const maxSessions = 2048;

/** Temporary credentials as a worker judges them: by their token and by what the snapshot says of where they came from. */
export class Sessions {
  readonly #entries: SessionEntries;
  readonly #policies: IdentityPolicies;
  #known = new RecentMap<KnownSession>(maxSessions);

  constructor(entries: SessionEntries, policies: IdentityPolicies) {
    this.#entries = entries;
    this.#policies = policies;
  }

  /** Judges a token that came with an access key id. */
  find(accessKeyId: string, token: string, nowMs: number): FoundSession {
    const known = this.#open(accessKeyId, token);
    if (known === undefined) return { kind: "invalid" };
    const { content, secretKey } = known;
    const problem = findSessionProblem({ accessKeyId, content }, this.#entries, nowMs);
    if (problem !== undefined) return problem;
    known.identity ??= this.#resolve(accessKeyId, known);
    return known.identity ? { kind: "session", secretKey, identity: known.identity } : { kind: "gone" };
  }

  /** Records or policies changed. */
  forget(): void {
    this.#known = new RecentMap(maxSessions);
  }

  #open(accessKeyId: string, token: string): KnownSession | undefined {
    const known = this.#known.get(accessKeyId);
    if (known?.token === token) return known;
    const opened = openSessionToken(token, accessKeyId, (keyId) => this.#entries.tokenKey.get(keyId)?.key);
    if (opened === undefined) return undefined;
    const session = { ...opened, token, identity: undefined };
    this.#known.set(accessKeyId, session);
    return session;
  }

  #resolve(accessKeyId: string, { content }: OpenedToken): SessionIdentity | undefined {
    const { principalId } = content;
    const tenant = this.#entries.tenant.get(content.tenantId);
    const [user, role] = [this.#entries.user.get(principalId), this.#entries.role.get(principalId)];
    if (tenant === undefined) return undefined;
    const about = { tenant, session: content };
    if (user !== undefined && user.tenantId !== tenant.tenantId)
      return { kind: "session", accessKeyId, ...about, ...this.#policies.resolveEntry({ ...about, user }) };
    const resolved = user
      ? this.#policies.resolveUser({ ...about, user, narrowing: content.chain })
      : role && this.#policies.resolveRole({ ...about, role });
    return resolved && { kind: "session", accessKeyId, ...about, ...resolved };
  }
}
