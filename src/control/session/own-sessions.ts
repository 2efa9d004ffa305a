import type { AuditEvent, RecordAudit } from "../audit/audit-event.ts";
import type { ControlDatabase } from "../database/control-database.ts";
import { ControlError } from "../http/control-error.ts";
import { listSessions, removeSession, removeSessions, type SessionRow } from "./session-store.ts";

/** What listing and revoking stand on. */
export interface OwnSessionsOptions {
  readonly database: ControlDatabase;
  readonly recordAudit: RecordAudit;
}

/** A user's sessions: listed and revoked, by the user or an administrator. A revoked one ends with its next request. */
export class OwnSessions {
  readonly #options: OwnSessionsOptions;

  constructor(options: OwnSessionsOptions) {
    this.#options = options;
  }

  /** The latest first. */
  list(userId: string): Promise<readonly SessionRow[]> {
    return listSessions(this.#options.database, userId);
  }

  /** Ends one session. `event` is recorded with it as its resource. @throws ControlError NotFound. */
  async revoke(userId: string, sessionId: string, event: AuditEvent): Promise<void> {
    const { database, recordAudit } = this.#options;
    await database.transaction(async (queries) => {
      if (!(await removeSession(queries, userId, sessionId))) throw new ControlError("NotFound");
      await recordAudit(queries, { ...event, resource: { kind: "session", id: sessionId } });
    });
  }

  /** Ends all sessions but one. @returns how many there were. */
  async revokeOthers(userId: string, exceptId: string | undefined, event: AuditEvent): Promise<number> {
    const { database, recordAudit } = this.#options;
    return database.transaction(async (queries) => {
      const count = await removeSessions(queries, userId, exceptId);
      await recordAudit(queries, { ...event, change: { sessions: { after: `${count} ended` } } });
      return count;
    });
  }
}
