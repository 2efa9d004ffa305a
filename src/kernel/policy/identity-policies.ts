import type {
  GroupEntry,
  IdentityTag,
  InlinePolicy,
  PolicyEntry,
  RoleEntry,
  TenantEntry,
  UserEntry,
} from "../protocol/identities.ts";
import { RecentMap } from "../sigv4/recent-map.ts";
import type { SessionContent } from "../sts/session-content.ts";
import { builtInPrefix, findBuiltInPolicy } from "./built-in-policies.ts";
import { type CompiledPolicy, compilePolicyText, denyEverything } from "./compile-policy.ts";
import { tagConditionKey } from "./condition-keys.ts";
import type { CredentialLink } from "./credential-link.ts";
import type { NarrowingLink } from "./evaluate-access.ts";
import { identityArn } from "./identity-arn.ts";
import type { PolicyKind } from "./policy-document.ts";
import type { Caller } from "./principal.ts";

/** Where an identity's records are found; undefined when there is none. */
export interface IdentityLookup {
  findGroup(groupId: string): GroupEntry | undefined;
  findPolicy(policyId: string): PolicyEntry | undefined;
}

/** An identity with all policies that speak about it, ready to be evaluated. Valid until one of its records changes. */
export interface ResolvedIdentity {
  readonly caller: Caller;
  readonly arn: string;
  /** Each must allow. */
  readonly narrowing: readonly NarrowingLink[];
  /** Of the identity and its groups. */
  readonly identity: readonly CompiledPolicy[];
  /** Values of condition keys that the identity alone determines. */
  readonly values: ReadonlyMap<string, string>;
  /** True when a condition asks for tags of the object: they must be looked up before a decision. */
  readonly asksObjectTags: boolean;
}

/** A user of a tenant with what narrows the credential at hand. */
export interface NarrowedUser {
  readonly user: UserEntry;
  readonly tenant: TenantEntry;
  /** Each must allow. */
  readonly narrowing: readonly CredentialLink[];
  /** What the session says that the credential is of; absent for access keys. */
  readonly session?: SessionContent;
}

/** A role as one session has assumed it. */
export interface AssumedRole {
  readonly role: RoleEntry;
  readonly tenant: TenantEntry;
  readonly session: SessionContent;
}

/** A global administrator in a tenant that is not his own. */
export interface EnteredTenant {
  readonly user: UserEntry;
  readonly tenant: TenantEntry;
  readonly session: SessionContent;
}

/** Compiled policies that are remembered; built-in ones beside them. */
const maxCompiled = 4096;
const objectTagKey = "s3:existingobjecttag/";

interface Compiled {
  readonly policy: CompiledPolicy;
  readonly asksObjectTags: boolean;
}

interface CompiledLink {
  readonly layer: CredentialLink["layer"];
  readonly compiled: readonly Compiled[];
}

/** Compiles what is stored about identities; compiled policies are remembered by their text. */
export class IdentityPolicies {
  readonly #lookup: IdentityLookup;
  readonly #compiled = new RecentMap<Compiled>(maxCompiled);
  readonly #denials = new WeakMap<Compiled, Compiled>();

  constructor(lookup: IdentityLookup) {
    this.#lookup = lookup;
  }

  /** A user with its own policies, those of its groups, its boundary, and what narrows its credential. A missing record denies everything. */
  resolveUser({ user, tenant, narrowing, session }: NarrowedUser): ResolvedIdentity {
    const arn = identityArn(tenant.accountId, "user", user);
    const own = this.#managed(user.policyIds);
    const inline = this.#inline(arn, user.inlinePolicies, "userInline");
    const groups = user.groupIds.flatMap((groupId) => this.#ofGroup(groupId, tenant));
    return {
      caller: callerOfUser(user, tenant, arn),
      arn,
      values: new Map([...valuesOfUser(user, tenant, arn), ...(session ? valuesOfSession(session) : [])]),
      ...this.#combine([...own, ...inline, ...groups], this.#links(arn, user.boundaryPolicyId, narrowing)),
    };
  }

  /** A role in one session: its policies and boundary as they are now, and what narrows the session. */
  resolveRole({ role, tenant, session }: AssumedRole): ResolvedIdentity {
    const roleArn = identityArn(tenant.accountId, "role", role);
    const { accountId, canonicalId } = tenant;
    const { roleId, name } = role;
    const sessionArn = `arn:aws:sts::${accountId}:assumed-role/${name}/${session.sessionName}`;
    const sessionId = `${roleId}:${session.sessionName}`;
    const identity = [...this.#managed(role.policyIds), ...this.#inline(roleArn, role.inlinePolicies, "roleInline")];
    return {
      caller: { kind: "role", accountId, canonicalId, roleId, roleArn, sessionId, sessionArn },
      arn: sessionArn,
      values: new Map([
        ["aws:userid", sessionId],
        ["aws:PrincipalArn", roleArn],
        ["aws:PrincipalAccount", accountId],
        ["aws:PrincipalType", "AssumedRole"],
        ...principalTags(withSessionTags(role.tags, session.tags)),
        ...valuesOfSession(session),
      ]),
      ...this.#combine(identity, this.#links(roleArn, role.boundaryPolicyId, session.chain)),
    };
  }

  /**
   * A global administrator in a tenant that he entered: all of S3 there, as far as his boundary and what narrows the session let him.
   * What his own policies allow says nothing about foreign buckets; what they deny holds everywhere.
   */
  resolveEntry({ user, tenant, session }: EnteredTenant): ResolvedIdentity {
    const { accountId, canonicalId } = tenant;
    const roleArn = `arn:aws:iam::${accountId}:role/maxiofs/tenant-entry`;
    const sessionArn = `arn:aws:sts::${accountId}:assumed-role/tenant-entry/${session.sessionName}`;
    const sessionId = `${user.userId}:${session.sessionName}`;
    const home = { ...tenant, tenantId: user.tenantId };
    const own = [...this.#managed(user.policyIds), ...this.#inline(roleArn, user.inlinePolicies, "userInline")];
    const groups = user.groupIds.flatMap((groupId) => this.#ofGroup(groupId, home));
    const denials = [...own, ...groups].map((compiled) => this.#denialsOf(compiled));
    return {
      caller: { kind: "role", accountId, canonicalId, roleId: user.userId, roleArn, sessionId, sessionArn },
      arn: sessionArn,
      values: new Map([
        ["aws:userid", sessionId],
        ["aws:PrincipalArn", roleArn],
        ["aws:PrincipalAccount", accountId],
        ["aws:PrincipalType", "AssumedRole"],
        ...valuesOfSession(session),
      ]),
      ...this.#combine(
        [...this.#managed([`${builtInPrefix}readwrite`]), ...denials],
        this.#links(roleArn, user.boundaryPolicyId, session.chain),
      ),
    };
  }

  /** A policy without what it allows. */
  #denialsOf(compiled: Compiled): Compiled {
    const known = this.#denials.get(compiled);
    if (known !== undefined) return known;
    const { name, statements } = compiled.policy;
    const denials = statements.filter(({ effect }) => effect === "Deny");
    const only = { ...compiled, policy: { name, statements: denials, byAction: new Map() } };
    this.#denials.set(compiled, only);
    return only;
  }

  #links(arn: string, boundaryPolicyId: string | null, chain: readonly CredentialLink[]): readonly CompiledLink[] {
    const links = chain.map(({ layer, texts, policyIds }, index) => {
      const kind = layer === "sessionPolicy" ? "session" : "key";
      const own = texts.map((text) => this.#compile(text, `${arn} ${layer} ${index + 1}`, kind));
      return { layer, compiled: [...own, ...this.#managed(policyIds)] };
    });
    if (boundaryPolicyId === null) return links;
    return [{ layer: "boundary", compiled: this.#managed([boundaryPolicyId]) }, ...links];
  }

  #combine(
    identity: readonly Compiled[],
    links: readonly CompiledLink[],
  ): Pick<ResolvedIdentity, "narrowing" | "identity" | "asksObjectTags"> {
    const all = [...identity, ...links.flatMap(({ compiled }) => compiled)];
    return {
      narrowing: links.map(({ layer, compiled }) => ({ layer, policies: compiled.map(({ policy }) => policy) })),
      identity: identity.map(({ policy }) => policy),
      asksObjectTags: all.some(({ asksObjectTags }) => asksObjectTags),
    };
  }

  #ofGroup(groupId: string, tenant: TenantEntry): readonly Compiled[] {
    const group = this.#lookup.findGroup(groupId);
    if (group === undefined || group.tenantId !== tenant.tenantId) return [missing(groupId)];
    const arn = identityArn(tenant.accountId, "group", group);
    return [...this.#managed(group.policyIds), ...this.#inline(arn, group.inlinePolicies, "groupInline")];
  }

  #managed(policyIds: readonly string[]): readonly Compiled[] {
    return policyIds.map((policyId) => {
      if (policyId.startsWith(builtInPrefix)) {
        const builtIn = findBuiltInPolicy(policyId);
        return builtIn === undefined ? missing(policyId) : this.#compile(builtIn.text, policyId, "managed");
      }
      const entry = this.#lookup.findPolicy(policyId);
      return entry === undefined ? missing(policyId) : this.#compile(entry.text, entry.arn, "managed");
    });
  }

  #inline(arn: string, policies: readonly InlinePolicy[], kind: PolicyKind): readonly Compiled[] {
    return policies.map(({ name, text }) => this.#compile(text, `${arn} ${name}`, kind));
  }

  #compile(text: string, name: string, kind: PolicyKind): Compiled {
    const place = `${kind}\n${name}\n${text}`;
    const known = this.#compiled.get(place);
    if (known !== undefined) return known;
    const compiled = {
      policy: compilePolicyText(text, { kind }, { name }),
      asksObjectTags: namesObjectTags(text),
    };
    this.#compiled.set(place, compiled);
    return compiled;
  }
}

/** JSON has many spellings of a text. One that cannot be read denies everything, whatever the tags. */
function namesObjectTags(text: string): boolean {
  try {
    return JSON.stringify(JSON.parse(text)).toLowerCase().includes(objectTagKey);
  } catch {
    return true;
  }
}

function missing(name: string): Compiled {
  return { policy: denyEverything(name), asksObjectTags: false };
}

function callerOfUser({ userId, global }: UserEntry, { accountId, canonicalId }: TenantEntry, arn: string): Caller {
  return { kind: "user", accountId, canonicalId, userId, arn, global };
}

function valuesOfUser(user: UserEntry, tenant: TenantEntry, arn: string): ReadonlyMap<string, string> {
  return new Map([
    ["aws:username", user.name],
    ["aws:userid", user.userId],
    ["aws:PrincipalArn", arn],
    ["aws:PrincipalAccount", tenant.accountId],
    ["aws:PrincipalType", "User"],
    ...principalTags(user.tags),
  ]);
}

function principalTags(tags: readonly IdentityTag[]): readonly (readonly [string, string])[] {
  return tags.map(([key, value]) => [tagConditionKey("aws:PrincipalTag/", key), value]);
}

/** Tags of the session win over those of the role, in whatever case their keys are. */
function withSessionTags(tags: readonly IdentityTag[], ofSession: readonly IdentityTag[]): readonly IdentityTag[] {
  const taken = new Set(ofSession.map(([key]) => key.toLowerCase()));
  return [...tags.filter(([key]) => !taken.has(key.toLowerCase())), ...ofSession];
}

/** What every session has; how old its second factor is depends on the time of the request. */
function valuesOfSession(session: SessionContent): readonly (readonly [string, string])[] {
  const { issuedAtMs, mfaAtMs, sourceIdentity } = session;
  return [
    ["aws:TokenIssueTime", new Date(issuedAtMs).toISOString()],
    ["aws:MultiFactorAuthPresent", String(mfaAtMs !== null)],
    ...(sourceIdentity === null ? [] : [["aws:SourceIdentity", sourceIdentity] as const]),
  ];
}
