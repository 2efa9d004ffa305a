import type { Clock } from "#kernel/base/clock.ts";
import type { Random } from "#kernel/base/random.ts";
import { parseArn } from "#kernel/policy/arn-pattern.ts";
import { identityArn } from "#kernel/policy/identity-arn.ts";
import { IdentityPolicies } from "#kernel/policy/identity-policies.ts";
import type { TenantEntry } from "#kernel/protocol/identities.ts";
import type { SnapshotChange } from "#kernel/protocol/snapshot.ts";
import type { SessionAnswer, SessionOrder } from "#kernel/protocol/sts.ts";
import type { CallOrigin, ControlCall } from "#kernel/protocol/to-control.ts";
import type { SessionContent } from "#kernel/sts/session-content.ts";
import { findSessionProblem } from "#kernel/sts/session-problem.ts";
import {
  deriveSessionSecret,
  maxSessionTokenLength,
  sealSessionToken,
  tokenNonceBytes,
} from "#kernel/sts/session-token.ts";
import { StsError } from "#kernel/sts/sts-error.ts";
import type { RecordAudit } from "../audit/audit-event.ts";
import { originOfCaller } from "../audit/origin-of-caller.ts";
import type { ControlDatabase, ControlQueries } from "../database/control-database.ts";
import { readInteger, readText } from "../database/row-values.ts";
import type { SerialQueue } from "../database/serial-queue.ts";
import type { Caller } from "../http/caller.ts";
import { ControlError } from "../http/control-error.ts";
import type { IdentityLimits } from "../iam/identity-limits.ts";
import type { SnapshotPublisher } from "../snapshot/publisher.ts";
import { makeUniqueId } from "../tenants/new-identifiers.ts";
import { revokeIssued } from "./revoke-issued.ts";
import { recordsOf, resolveSessionCaller, type SessionCaller } from "./session-caller.ts";
import {
  effectiveSourceIdentity,
  type LifeBounds,
  planAssumedRole,
  planEntry,
  planOwnSession,
  sessionPolicyLink,
} from "./session-plan.ts";
import {
  countSessions,
  findOverConsoleSessions,
  insertSession,
  readSessionsOf,
  removeEnded,
} from "./sts-session-store.ts";
import type { TokenKeys } from "./token-keys.ts";
import { isTrusted, trustValues, type WantedRole } from "./trust-decision.ts";

/** The second factors of users. */
export interface SecondFactors {
  /** Whether the code is right, and was not used before. */
  verify(code: {
    readonly userId: string;
    readonly code: string;
    readonly from: Pick<CallOrigin, "address" | "agent" | "requestId">;
    readonly action: string;
  }): Promise<boolean>;
}

/** What STS stands on. */
export interface StsOptions {
  readonly database: ControlDatabase;
  readonly tokenKeys: TokenKeys;
  readonly publisher: SnapshotPublisher;
  readonly clock: Clock;
  readonly random: Random;
  readonly record: RecordAudit;
  /** Sessions are given out and revoked in turns. */
  readonly turns: SerialQueue;
  /** `security.sts_max_session_duration`, seconds; asked each time. */
  readonly maxSeconds: () => number;
  readonly secondFactors: SecondFactors;
  readonly limits: Pick<IdentityLimits, "sessionsPerUser">;
}

/** A worker's call for temporary credentials. */
export type IssueCall = Extract<ControlCall, { readonly kind: "issueSession" }>;

/** A global administrator on the way into another tenant. */
export interface Entrance {
  readonly caller: Caller;
  readonly tenant: TenantEntry;
  readonly reason: string;
  readonly readOnly: boolean;
}

/** Credentials of an entered tenant. */
export interface EnteredSession {
  /** `ASIA...` */
  readonly accessKeyId: string;
  readonly secretKey: string;
  readonly sessionToken: string;
  readonly expiresAtMs: number;
  /** Whom policies of the tenant see. */
  readonly arn: string;
}

type AssumeRole = Extract<SessionOrder, { kind: "assumeRole" }>;

/** Rows of a user's sessions, the revoked ones too, for each one that may live. */
const maxRowsPerSession = 10;

/** A session that is decided, with the role it is of. */
interface Plan {
  readonly content: SessionContent;
  readonly wanted: WantedRole | undefined;
}

/** The service behind AssumeRole and GetSessionToken: decides, seals, remembers. */
export class Sts {
  readonly #options: StsOptions;
  readonly #policies: IdentityPolicies;

  constructor(options: StsOptions) {
    this.#options = options;
    const { publisher } = options;
    this.#policies = new IdentityPolicies({
      findGroup: (groupId) => publisher.entries("group").get(groupId),
      findPolicy: (policyId) => publisher.entries("policy").get(policyId),
    });
  }

  /** Gives out temporary credentials, or says why not. What the client is refused with is the answer; other failures reject. */
  issue(call: IssueCall): Promise<SessionAnswer> {
    return this.#options.turns.run(async () => {
      try {
        return await this.#issue(call);
      } catch (error) {
        if (!(error instanceof StsError)) throw error;
        if (error.code === "AccessDenied") await this.#recordDenial(call, error);
        return { kind: "refused", code: error.code, message: error.message };
      }
    });
  }

  /**
   * Credentials with which a global administrator acts in a tenant that is not his own. Recorded in the chains of both tenants.
   * @throws ControlError Conflict for a tenant that is suspended, and when there are too many
   */
  enter({ caller, tenant, reason, readOnly }: Entrance): Promise<EnteredSession> {
    const { clock, maxSeconds, turns } = this.#options;
    return turns.run(async () => {
      if (tenant.status !== "active") throw new ControlError("Conflict", "The tenant is suspended");
      const nowMs = clock.nowMs();
      const bounds = { nowMs, maxSeconds: maxSeconds(), mfaAtMs: caller.mfaAtMs ?? null };
      const content = planEntry({ ...caller, tenantId: tenant.tenantId, readOnly }, bounds);
      if (!(await this.#hasRoom(caller.userId, nowMs))) throw new ControlError("Conflict", this.#describeBound());
      const { accountId, slug: name, tenantId: id } = tenant;
      const resource = { kind: "tenant", id, name, arn: `arn:aws:maxiofs::${accountId}:tenant/${id}` };
      const sealed = await this.#store(content, caller, async (queries, accessKeyId) => {
        const expiresAt = new Date(content.expiresAtMs).toISOString();
        const change = { session: { after: { accessKeyId, expiresAt, readOnly, reason } } };
        const event = { ...originOfCaller(caller), action: "maxiofs:EnterTenant", resource, change } as const;
        for (const tenantId of [id, caller.tenantId]) {
          await this.#options.record(queries, { ...event, tenantId, outcome: "success" });
        }
      });
      const arn = `arn:aws:sts::${accountId}:assumed-role/tenant-entry/${content.sessionName}`;
      return { ...sealed, expiresAtMs: content.expiresAtMs, arn };
    });
  }

  /** Forgets what has ended, ends what console sessions took along, and replaces worn token keys. Call it every minute. */
  runUpkeep(): Promise<void> {
    const { database, publisher, clock, tokenKeys, turns } = this.#options;
    return turns.run(async () => {
      await tokenKeys.runUpkeep();
      const changes = await database.transaction(async (queries) => {
        const nowMs = clock.nowMs();
        const ended = await removeEnded(queries, nowMs);
        const removed = ended.map((id): SnapshotChange => ({ kind: "revocation", id, value: null }));
        const over = (await findOverConsoleSessions(queries, nowMs)).filter(
          (id) => !publisher.entries("revocation").has(id),
        );
        const revoked: SnapshotChange[] = [];
        for (const id of over) revoked.push(await revokeIssued(queries, id, nowMs));
        return [...removed, ...revoked];
      });
      if (changes.length > 0) await publisher.publish(changes);
    });
  }

  async #issue(call: IssueCall): Promise<SessionAnswer> {
    const { publisher, clock, maxSeconds } = this.#options;
    const nowMs = clock.nowMs();
    const caller = resolveSessionCaller(call.credential, { publisher, policies: this.#policies, nowMs });
    const mfaAtMs = await this.#verifyMfa(call, caller, nowMs);
    const bounds = { nowMs, maxSeconds: maxSeconds(), mfaAtMs };
    const { order } = call;
    if (order.kind === "getSessionToken") {
      return this.#seal(call, { content: planOwnSession(order, caller, bounds), wanted: undefined });
    }
    return this.#seal(call, await this.#planRole({ ...call, order }, caller, bounds));
  }

  /** @throws StsError AccessDenied when the role does not exist or does not let the caller in: the same answer */
  async #planRole(
    call: IssueCall & { readonly order: AssumeRole },
    caller: SessionCaller,
    bounds: LifeBounds,
  ): Promise<Plan> {
    const { order, origin, secure } = call;
    const found = await this.#findRole(order.roleArn);
    if (found === undefined) throw notAuthorized(caller, "sts:AssumeRole", order.roleArn);
    const { wanted, maxRoleSeconds } = found;
    const sourceIdentity = effectiveSourceIdentity(order, caller);
    const session = { ...order, sourceIdentity };
    const { nowMs } = bounds;
    const mfaAtMs = bounds.mfaAtMs ?? caller.session?.mfaAtMs ?? null;
    const values = trustValues(wanted, caller, { session, context: { origin, secure, nowMs, mfaAtMs } });
    const actions = [
      "sts:AssumeRole",
      ...(order.tags.length > 0 ? ["sts:TagSession"] : []),
      ...(sourceIdentity === undefined ? [] : ["sts:SetSourceIdentity"]),
    ];
    for (const action of actions) {
      if (!isTrusted(action, wanted, { caller, values })) throw notAuthorized(caller, action, order.roleArn);
    }
    const link = sessionPolicyLink(order.policies, wanted, this.#options.publisher);
    return { content: planAssumedRole(order, { caller, wanted, link }, { ...bounds, maxRoleSeconds }), wanted };
  }

  async #findRole(arn: string): Promise<{ wanted: WantedRole; maxRoleSeconds: number } | undefined> {
    const { publisher, database } = this.#options;
    const accountId = parseArn(arn)?.account;
    const tenant = publisher
      .entries("tenant")
      .values()
      .find((one) => one.accountId === accountId);
    if (tenant?.status !== "active") return undefined;
    const role = publisher
      .entries("role")
      .values()
      .find((one) => one.tenantId === tenant.tenantId && identityArn(tenant.accountId, "role", one) === arn);
    if (role === undefined) return undefined;
    const [row] = await database.all("SELECT trust_policy, max_session_seconds FROM roles WHERE role_id = $1", [
      role.roleId,
    ]);
    if (row === undefined) return undefined;
    const wanted = { role, tenant, trustPolicy: readText(row, "trust_policy") };
    return { wanted, maxRoleSeconds: readInteger(row, "max_session_seconds") };
  }

  /** @returns the moment of the proof; null without one. @throws StsError AccessDenied when the code is wrong */
  async #verifyMfa({ order, origin }: IssueCall, caller: SessionCaller, nowMs: number): Promise<number | null> {
    if (order.mfa === undefined) return null;
    const { serialNumber, code } = order.mfa;
    const { identity, tenant, principalId: userId } = caller;
    const userName = identity.values.get("aws:username");
    const isOwnDevice = serialNumber === `arn:aws:iam::${tenant.accountId}:mfa/${userName}`;
    if (userName !== undefined && isOwnDevice) {
      const { address, agent, requestId } = origin;
      const given = { userId, code, from: { address, agent, requestId }, action: actionOf(order) };
      if (await this.#options.secondFactors.verify(given)) return nowMs;
    }
    throw new StsError(
      "AccessDenied",
      "MultiFactorAuthentication failed, unable to validate MFA code. Please verify your MFA serial number is valid and associated with this user",
    );
  }

  async #seal(call: IssueCall, { content, wanted }: Plan): Promise<SessionAnswer> {
    const { tenantId, principalId, sessionName, issuedAtMs, expiresAtMs } = content;
    if (!(await this.#hasRoom(holderOf(content), issuedAtMs)))
      throw new StsError("LimitExceeded", this.#describeBound());
    const sealed = await this.#store(content, call.origin, (queries, accessKeyId) =>
      this.#options.record(queries, {
        ...{ ...actorOf(call.origin), tenantId, action: actionOf(call.order), outcome: "success" },
        resource: {
          kind: wanted ? "role" : "user",
          id: principalId,
          ...(wanted && { name: wanted.role.name, arn: identityArn(wanted.tenant.accountId, "role", wanted.role) }),
        },
        change: { session: { after: { accessKeyId, sessionName, expiresAt: new Date(expiresAtMs).toISOString() } } },
      }),
    );
    return { kind: "issued", ...sealed, ...describe(content, wanted, sealed.sessionToken) };
  }

  /** Seals a session and remembers it, with its event. @throws StsError PackedPolicyTooLarge */
  async #store(
    content: SessionContent,
    { address, agent }: Pick<CallOrigin, "address" | "agent">,
    record: (queries: ControlQueries, accessKeyId: string) => Promise<void>,
  ): Promise<Pick<EnteredSession, "accessKeyId" | "secretKey" | "sessionToken">> {
    const { tokenKeys, random, database } = this.#options;
    const key = await tokenKeys.current();
    const accessKeyId = makeUniqueId("ASIA", random);
    const sessionToken = sealSessionToken(content, { key, accessKeyId, nonce: random.bytes(tokenNonceBytes) });
    if (sessionToken.length > maxSessionTokenLength) throw new StsError("PackedPolicyTooLarge");
    await database.transaction(async (queries) => {
      const { mfaAtMs, keyId = [], ...rest } = content;
      const lineage = [...rest.lineage, keyId].flat();
      await tokenKeys.count(queries, key);
      const session = { ...rest, lineage, sessionId: accessKeyId, mfa: mfaAtMs !== null, address, agent };
      await insertSession(queries, session, holderOf(content));
      await record(queries, accessKeyId);
    });
    return { accessKeyId, secretKey: deriveSessionSecret(key.key, accessKeyId), sessionToken };
  }

  /**
   * Whether one more session may begin with a user. What was revoked does not count, so that an administrator can make room; but
   * rows of such are bounded as well.
   */
  async #hasRoom(userId: string, nowMs: number): Promise<boolean> {
    const { database, publisher, limits } = this.#options;
    const limit = limits.sessionsPerUser;
    const found = await countSessions(database, userId, nowMs);
    if (found < limit) return true;
    if (found >= limit * maxRowsPerSession) return false;
    const records = recordsOf(publisher);
    const sessions = await readSessionsOf(database, userId, { nowMs, limit: found });
    const live = sessions.filter(
      ({ sessionId: accessKeyId, ...content }) =>
        findSessionProblem({ accessKeyId, content }, records, nowMs) === undefined,
    );
    return live.length < limit;
  }

  #describeBound(): string {
    const { sessionsPerUser } = this.#options.limits;
    return `At most ${sessionsPerUser} temporary credentials of a user live at a time: let some end, or have them revoked`;
  }

  async #recordDenial({ credential, order, origin }: IssueCall, { code }: StsError): Promise<void> {
    const { publisher, database, record } = this.#options;
    const userId = publisher.keys.get(credential.accessKeyId)?.userId ?? "";
    const tenantId = credential.session?.tenantId ?? publisher.entries("user").get(userId)?.tenantId ?? null;
    const resource = order.kind === "assumeRole" ? { kind: "role", id: order.roleArn } : { kind: "user", id: userId };
    const event = { ...actorOf(origin), tenantId, action: actionOf(order), resource, code } as const;
    await record(database, { ...event, outcome: "denied" });
  }
}

/** Id of the user that a session began with; a console session's comes before nobody's. */
function holderOf({ lineage, principalId }: SessionContent): string {
  return lineage.find((id) => id.startsWith("AIDA")) ?? principalId;
}

/** The event's actor and where it comes from. */
function actorOf(origin: CallOrigin) {
  const { accessKeyId, principalId: id, principalName: name, ...from } = origin;
  return { actor: { kind: "user", id, name, accessKeyId }, ...from, via: "s3" } as const;
}

function actionOf({ kind }: SessionOrder): string {
  return kind === "assumeRole" ? "sts:AssumeRole" : "sts:GetSessionToken";
}

function describe(
  content: SessionContent,
  wanted: WantedRole | undefined,
  sessionToken: string,
): Pick<Extract<SessionAnswer, { kind: "issued" }>, "expiresAtMs" | "assumed" | "sourceIdentity" | "packedPercent"> {
  const { expiresAtMs, principalId, sessionName, sourceIdentity, tags, chain } = content;
  const path = wanted && `assumed-role/${wanted.role.name}/${sessionName}`;
  const isPacked = wanted !== undefined && (tags.length > 0 || chain.some(({ layer }) => layer === "sessionPolicy"));
  return {
    expiresAtMs,
    assumed: wanted && {
      arn: `arn:aws:sts::${wanted.tenant.accountId}:${path}`,
      id: `${principalId}:${sessionName}`,
    },
    sourceIdentity: sourceIdentity ?? undefined,
    packedPercent: isPacked ? Math.ceil((sessionToken.length * 100) / maxSessionTokenLength) : undefined,
  };
}

function notAuthorized({ identity }: SessionCaller, action: string, roleArn: string): StsError {
  return new StsError(
    "AccessDenied",
    `User: ${identity.arn} is not authorized to perform: ${action} on resource: ${roleArn}`,
  );
}
