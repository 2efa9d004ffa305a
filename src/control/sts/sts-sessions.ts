import type { Clock } from "#kernel/base/clock.ts";
import type { RevocationEntry } from "#kernel/protocol/sts.ts";
import { findSessionProblem } from "#kernel/sts/session-problem.ts";
import type { AuditEvent, RecordAudit } from "../audit/audit-event.ts";
import type { ControlDatabase } from "../database/control-database.ts";
import type { SerialQueue } from "../database/serial-queue.ts";
import { ControlError } from "../http/control-error.ts";
import type { Page } from "../iam/identity-work.ts";
import type { SnapshotPublisher } from "../snapshot/publisher.ts";
import { untilOf } from "./revoke-issued.ts";
import { recordsOf } from "./session-caller.ts";
import {
  findSession,
  listSessions,
  type SessionFilter,
  type StsSession,
  upsertRevocation,
} from "./sts-session-store.ts";

/** What the list stands on. */
export interface StsSessionsOptions {
  readonly database: ControlDatabase;
  readonly publisher: SnapshotPublisher;
  readonly clock: Clock;
  readonly record: RecordAudit;
  /** Sessions are given out and revoked in turns. */
  readonly turns: SerialQueue;
}

/** A session and whether it still counts: `active`, or what is against it. */
export interface ListedSession extends StsSession {
  readonly state: "active" | "revoked" | "suspended" | "gone" | "expired";
}

/** Which page is wanted. */
export type SessionPage = Omit<SessionFilter, "tenantId" | "nowMs">;

/** Who revokes, as the event tells it. */
export type RevocationOrigin = Pick<AuditEvent, "actor" | "requestId" | "address" | "agent" | "via">;

/** The sessions that a tenant's users hold: list and revoke. A revocation holds in every worker when its call resolves. */
export class StsSessions {
  readonly #options: StsSessionsOptions;

  constructor(options: StsSessionsOptions) {
    this.#options = options;
  }

  /** Sessions that have not ended by themselves. @throws ControlError InvalidRequest for the cursor of another order */
  async list(tenantId: string, wanted: SessionPage): Promise<Page<ListedSession>> {
    const { database, clock } = this.#options;
    const { items, nextCursor } = await listSessions(database, { ...wanted, tenantId, nowMs: clock.nowMs() });
    return { items: items.map((session) => ({ ...session, state: this.#stateOf(session) })), nextCursor };
  }

  /** Id of the user or role whose session it is. @throws ControlError NotFound */
  async ownerOf(tenantId: string, sessionId: string): Promise<string> {
    const { database, clock } = this.#options;
    const session = await findSession(database, { tenantId, sessionId, nowMs: clock.nowMs() });
    if (session === undefined) throw new ControlError("NotFound");
    return session.principalId;
  }

  /** Revokes one session and what it made. @throws ControlError NotFound */
  async revoke(tenantId: string, sessionId: string, origin: RevocationOrigin): Promise<void> {
    const { database, clock } = this.#options;
    const session = await findSession(database, { tenantId, sessionId, nowMs: clock.nowMs() });
    if (session === undefined) throw new ControlError("NotFound");
    // A session it made may live an hour longer, and is found by the time at which this one would have ended.
    const revocation = { revocationId: sessionId, beforeMs: session.expiresAtMs };
    await this.#store(revocation, {
      ...{ ...origin, tenantId, action: "iam:DeleteAccessKey", outcome: "success" },
      resource: { kind: "stsSession", id: sessionId, name: session.sessionName },
    });
  }

  /**
   * Revokes every session that a user or role of the tenant got before a time, and what those made.
   * @param beforeMs not in the future; now when absent
   * @throws ControlError NotFound, InvalidRequest
   */
  async revokeBefore(
    tenantId: string,
    { principalId, beforeMs }: { readonly principalId: string; readonly beforeMs: number | undefined },
    origin: RevocationOrigin,
  ): Promise<RevocationEntry> {
    const { publisher, clock } = this.#options;
    const principal = publisher.entries("user").get(principalId) ?? publisher.entries("role").get(principalId);
    if (principal?.tenantId !== tenantId) throw new ControlError("NotFound");
    const nowMs = clock.nowMs();
    if (beforeMs !== undefined && beforeMs > nowMs) {
      throw new ControlError("InvalidRequest", "Sessions can be revoked up to now, not in the future");
    }
    // Up to now: what was given out in this very millisecond too.
    const revocation = { revocationId: principalId, beforeMs: beforeMs ?? nowMs + 1 };
    const kind = publisher.entries("user").has(principalId) ? "user" : "role";
    return this.#store(revocation, {
      ...{ ...origin, tenantId, action: "iam:DeleteAccessKey", outcome: "success" },
      resource: { kind, id: principalId, name: principal.name },
      change: { sessionsBefore: { after: new Date(revocation.beforeMs).toISOString() } },
    });
  }

  async #store(revocation: RevocationEntry, event: AuditEvent): Promise<RevocationEntry> {
    const { database, publisher, record, turns } = this.#options;
    const { stored, published } = await turns.run(async () => {
      const known = publisher.entries("revocation").get(revocation.revocationId);
      const stored = known !== undefined && known.beforeMs > revocation.beforeMs ? known : revocation;
      await database.transaction(async (queries) => {
        await upsertRevocation(queries, stored, untilOf(stored));
        await record(queries, event);
      });
      const published = publisher.publish([{ kind: "revocation", id: stored.revocationId, value: stored }]);
      return { stored, published };
    });
    await published;
    return stored;
  }

  #stateOf({ sessionId, ...session }: StsSession): ListedSession["state"] {
    const { publisher, clock } = this.#options;
    const about = { accessKeyId: sessionId, content: session };
    return findSessionProblem(about, recordsOf(publisher), clock.nowMs())?.kind ?? "active";
  }
}
