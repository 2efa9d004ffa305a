import type { Guard } from "./guard.ts";
import type { SessionUser } from "./own-login.ts";
import type { SessionSettings } from "./session-settings.ts";
import type { SessionRow } from "./session-store.ts";

/** What a session is shown by. */
export interface SessionView {
  readonly guard: Pick<Guard, "csrfToken" | "dutyOf">;
  readonly settings: SessionSettings;
}

/** A session as its own user sees it. */
export function renderSession(user: SessionUser, { guard, settings }: SessionView) {
  const { account, session, caller } = user;
  return {
    sessionId: session.sessionId,
    userId: account.userId,
    userName: account.userName,
    tenantId: account.tenantId,
    tenant: account.tenantSlug,
    global: account.global,
    methods: session.methods,
    mfa: caller.mfa,
    locked: session.locked,
    freshProof: caller.freshProof,
    /** What must be done before anything else. */
    duty: guard.dutyOf(user) ?? null,
    csrfToken: guard.csrfToken(session),
    createdAt: renderTime(session.createdAtMs),
    expiresAt: renderTime(session.createdAtMs + settings["security.session_timeout"] * 1000),
    idleTimeoutSeconds: settings["security.session_idle_timeout"],
    idleLockSeconds: settings["security.session_idle_lock"],
  };
}

/** A session in a list: nothing of it gives a right. */
export function renderListedSession(session: SessionRow, currentId: string | undefined) {
  const { sessionId, address, agent, methods, locked, createdAtMs, seenAtMs } = session;
  return {
    ...{ sessionId, address, agent, methods, locked, current: sessionId === currentId },
    createdAt: renderTime(createdAtMs),
    seenAt: renderTime(seenAtMs),
  };
}

/** RFC 3339 in UTC. */
export function renderTime(ms: number): string {
  return new Date(ms).toISOString();
}
