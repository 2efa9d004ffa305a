import type { Clock } from "#kernel/base/clock.ts";
import type { Random } from "#kernel/base/random.ts";
import { createUlidMaker } from "#kernel/base/ulid.ts";
import type { ControlDatabase, ControlQueries } from "../database/control-database.ts";
import { type Account, findAccountById } from "./account-store.ts";
import type { RequestSource } from "./log-in-audit.ts";
import { hashSecretId, isSecretId, makeSecretId } from "./secret-id.ts";
import type { SessionSettings } from "./session-settings.ts";
import {
  findSession,
  insertSession,
  listSessions,
  lockSession,
  type ProofMethod,
  removeSession,
  type SessionRow,
  sweepSessions,
  updateSession,
} from "./session-store.ts";

/** A session and the secret id that goes into the cookie; the id is stored nowhere. */
export interface OpenedSession {
  readonly session: SessionRow;
  readonly id: string;
}

/** What a cookie leads to. */
export interface FoundSession {
  readonly session: SessionRow;
  readonly account: Account;
  /** Set when the id was changed just now: the cookie must be too. */
  readonly newId: string | undefined;
}

/** What sessions stand on. */
export interface SessionsOptions {
  readonly database: ControlDatabase;
  readonly settings: () => SessionSettings;
  readonly clock: Clock;
  readonly random: Random;
}

/** Requests that were on their way when the id changed still count this long, ms. */
const graceMs = 60_000;
/** Use is written down only when it was not for this long, ms: less than any limit on idle sessions. */
const seenStepMs = 15_000;

/** Sessions of the console: opened at log-in, found by cookie, renewed, locked, ended. */
export class Sessions {
  readonly #options: SessionsOptions;
  readonly #makeId: () => string;

  constructor(options: SessionsOptions) {
    this.#options = options;
    this.#makeId = createUlidMaker(options.clock, options.random);
  }

  /** Opens a session in the transaction of the log-in. It has nothing of one that was there before. */
  async open(
    queries: ControlQueries,
    userId: string,
    { methods, from }: { readonly methods: readonly ProofMethod[]; readonly from: RequestSource },
  ): Promise<OpenedSession> {
    const id = makeSecretId(this.#options.random);
    const nowMs = this.#options.clock.nowMs();
    const session: SessionRow = {
      ...{ sessionId: this.#makeId(), userId, idHash: hashSecretId(id), previousHash: undefined },
      ...{ rotatedAtMs: nowMs, createdAtMs: nowMs, seenAtMs: nowMs, proofAtMs: nowMs, locked: false },
      ...{ address: from.address, agent: from.agent, methods },
      mfaAtMs: methods.some(isSecondFactor) ? nowMs : undefined,
    };
    await insertSession(queries, session);
    return { session, id };
  }

  /**
   * The session of a cookie's id, with its user as of now; undefined when there is none or it is over.
   * @param isBackground the request was not made by a person: it keeps nothing awake
   */
  async find(id: string, isBackground: boolean): Promise<FoundSession | undefined> {
    if (!isSecretId(id)) return undefined;
    const { database, clock } = this.#options;
    const hash = hashSecretId(id);
    const found = await findSession(database, hash);
    if (found === undefined) return undefined;
    const nowMs = clock.nowMs();
    if (this.#isOver(found, nowMs)) {
      await removeSession(database, found.userId, found.sessionId);
      return undefined;
    }
    const account = await findAccountById(database, found.userId);
    if (!account?.active) return undefined;
    const { session, newId } = this.#renew(found, { hash, nowMs, isBackground });
    if (session === found) return { session, account, newId: undefined };
    const isOurs = await updateSession(database, found.idHash, session);
    // Another request of the session was faster: what it stored holds, and what this one knows.
    if (!isOurs) return { session: { ...session, idHash: found.idHash }, account, newId: undefined };
    return { session, account, newId };
  }

  /** Whether a session that was found earlier is neither over, nor locked, nor removed since. */
  async isOpen(session: Pick<SessionRow, "userId" | "sessionId">): Promise<boolean> {
    const { clock, settings } = this.#options;
    const found = await this.reread(session);
    if (found === undefined || found.locked) return false;
    return clock.nowMs() - found.seenAtMs < settings()["security.session_idle_lock"] * 1000;
  }

  /** A session as it is by now; undefined when it has ended. */
  async reread({ userId, sessionId }: Pick<SessionRow, "userId" | "sessionId">): Promise<SessionRow | undefined> {
    const { database, clock } = this.#options;
    const found = (await listSessions(database, userId)).find((session) => session.sessionId === sessionId);
    return found && !this.#isOver(found, clock.nowMs()) ? found : undefined;
  }

  /**
   * Gives a session a new id at once, since its rights rise: the old one is worth nothing any more.
   * @param given `isFresh`: it counts as a fresh proof of who the user is
   * @returns undefined when the session is gone or its id was changed meanwhile.
   */
  async elevate(
    queries: ControlQueries,
    session: SessionRow,
    { methods, isFresh }: { readonly methods: readonly ProofMethod[]; readonly isFresh: boolean },
  ): Promise<OpenedSession | undefined> {
    const id = makeSecretId(this.#options.random);
    const nowMs = this.#options.clock.nowMs();
    const next: SessionRow = {
      ...session,
      ...{ idHash: hashSecretId(id), previousHash: undefined, locked: false },
      ...{ rotatedAtMs: nowMs, seenAtMs: nowMs, proofAtMs: isFresh ? nowMs : session.proofAtMs },
      methods: [...new Set([...session.methods, ...methods])],
      mfaAtMs: methods.some(isSecondFactor) ? nowMs : session.mfaAtMs,
    };
    return (await updateSession(queries, session.idHash, next)) ? { session: next, id } : undefined;
  }

  /** Locks a session until its user proves again who he is. */
  async lock(queries: ControlQueries, { sessionId }: SessionRow): Promise<void> {
    // By its own id: that of the cookie may have changed in this moment.
    await lockSession(queries, sessionId);
  }

  /** Removes sessions that are over. */
  async sweep(queries: ControlQueries): Promise<void> {
    const settings = this.#options.settings();
    const nowMs = this.#options.clock.nowMs();
    await sweepSessions(queries, {
      createdBeforeMs: nowMs - settings["security.session_timeout"] * 1000,
      seenBeforeMs: nowMs - settings["security.session_idle_timeout"] * 1000,
    });
  }

  #isOver({ createdAtMs, seenAtMs }: SessionRow, nowMs: number): boolean {
    const settings = this.#options.settings();
    return (
      nowMs - createdAtMs >= settings["security.session_timeout"] * 1000 ||
      nowMs - seenAtMs >= settings["security.session_idle_timeout"] * 1000
    );
  }

  /** What a request changes about its session; the same object when nothing. */
  #renew(found: SessionRow, { hash, nowMs, isBackground }: Use): { session: SessionRow; newId?: string } {
    const settings = this.#options.settings();
    if (found.locked) return { session: found };
    if (nowMs - found.seenAtMs >= settings["security.session_idle_lock"] * 1000) {
      return { session: { ...found, locked: true } };
    }
    const isOldId = hash !== found.idHash;
    const sinceChangeMs = nowMs - found.rotatedAtMs;
    const lifetimeMs = settings["security.access_token_lifetime"] * 1000;
    const seenAtMs = isBackground ? found.seenAtMs : nowMs;
    // An old id that is still used was never replaced: the answer with the new one was lost.
    if (sinceChangeMs >= (isOldId ? graceMs : lifetimeMs)) {
      const newId = makeSecretId(this.#options.random);
      const ids = { idHash: hashSecretId(newId), previousHash: hash, rotatedAtMs: nowMs };
      return { session: { ...found, ...ids, seenAtMs }, newId };
    }
    // The new id arrived: from now on it alone counts.
    const forgets = !isOldId && found.previousHash !== undefined && sinceChangeMs >= graceMs;
    if (forgets) return { session: { ...found, previousHash: undefined, seenAtMs } };
    return { session: seenAtMs - found.seenAtMs >= seenStepMs ? { ...found, seenAtMs } : found };
  }
}

function isSecondFactor(method: ProofMethod): boolean {
  return method !== "password";
}

/** One use of a session. */
interface Use {
  /** Of the id that was shown. */
  readonly hash: string;
  readonly nowMs: number;
  readonly isBackground: boolean;
}
