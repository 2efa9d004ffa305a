import type { Clock } from "#kernel/base/clock.ts";
import type { Random } from "#kernel/base/random.ts";
import type { RecordAudit } from "../audit/audit-event.ts";
import type { ControlDatabase, ControlQueries } from "../database/control-database.ts";
import { ControlError, TooManyRequestsError } from "../http/control-error.ts";
import type { LogInCounts } from "../http/log-in-counts.ts";
import { type Account, findAccount, findAccountById, replaceHash } from "./account-store.ts";
import { insertChallenge, removeChallenge, takeTry } from "./challenge-store.ts";
import { findSubject, isKnownPlace } from "./failure-store.ts";
import { describeOwn, type RequestSource } from "./log-in-audit.ts";
import type { LogInRate } from "./log-in-rate.ts";
import type { PasswordHasher } from "./password-hasher.ts";
import type { Attempt, GivenCode, Proofs } from "./proofs.ts";
import { hashSecretId, makeSecretId } from "./secret-id.ts";
import type { ProofMethod } from "./session-store.ts";
import type { OpenedSession, Sessions } from "./sessions.ts";

/** What log-in stands on. */
export interface LogInOptions {
  readonly database: ControlDatabase;
  readonly hasher: PasswordHasher;
  readonly proofs: Proofs;
  readonly sessions: Sessions;
  readonly rate: LogInRate;
  readonly recordAudit: RecordAudit;
  readonly clock: Clock;
  readonly random: Random;
}

/** The first step. */
export interface GivenPassword {
  /** Slug of the tenant. */
  readonly tenant: string;
  readonly userName: string;
  readonly password: string;
}

/** How a step that did not fail ended. */
export type LogInResult =
  | { readonly kind: "session"; readonly opened: OpenedSession; readonly account: Account }
  | {
      readonly kind: "challenge";
      readonly challengeId: string;
      readonly methods: readonly ("totp" | "recoveryCode")[];
    };

const action = "auth:Login";

/**
 * Log-in as one transaction of one or two steps. Whatever is wrong (tenant, name, password, code, a lock, a password that is over, a
 * challenge of somebody else), the answer is the same after the same work: LogInFailed.
 */
export class LogIn {
  readonly #options: LogInOptions;
  readonly #counts = { succeeded: 0, refused: 0, delayed: 0 };

  constructor(options: LogInOptions) {
    this.#options = options;
  }

  /** Sessions opened, steps refused. */
  get counts(): LogInCounts {
    return { ...this.#counts };
  }

  /**
   * Opens a session, or a challenge for the second factor.
   * @throws ControlError LogInFailed; Unavailable when too many log in at once.
   * @throws TooManyRequestsError for too many attempts of one address or in one name.
   */
  withPassword(given: GivenPassword, from: RequestSource): Promise<LogInResult> {
    return this.#count(this.#withPassword(given, from));
  }

  /** Opens the session of a challenge. @throws ControlError LogInFailed @throws TooManyRequestsError for too many of one address. */
  withCode(challengeId: string, given: GivenCode, from: RequestSource): Promise<LogInResult> {
    return this.#count(this.#withCode(challengeId, given, from));
  }

  async #count(result: Promise<LogInResult>): Promise<LogInResult> {
    try {
      const found = await result;
      if (found.kind === "session") this.#counts.succeeded += 1;
      return found;
    } catch (error) {
      if (error instanceof TooManyRequestsError) this.#counts.delayed += 1;
      else if (error instanceof ControlError && error.code === "LogInFailed") this.#counts.refused += 1;
      throw error;
    }
  }

  async #withPassword(given: GivenPassword, from: RequestSource): Promise<LogInResult> {
    const { database, hasher, rate } = this.#options;
    rate.requireAddress(from.address);
    const found = await findAccount(database, given.tenant, given.userName);
    const subject = await findSubject(database, found?.userId, from.address);
    if (!isKnownPlace(subject)) rate.requireName(given);
    const isRight = await hasher.verify(given.password, found?.passwordHash);
    const attempt = { subject, from, action };
    const result = await database.transaction((queries) => this.#firstStep(queries, { found, isRight, attempt }));
    if (result === undefined) throw new ControlError("LogInFailed");
    if (found?.passwordHash !== undefined && hasher.isWeak(found.passwordHash)) {
      // It has time until the next log-in.
      const better = await hasher.hash(given.password).catch(() => undefined);
      if (better !== undefined) await replaceHash(database, found, better);
    }
    return result;
  }

  async #withCode(challengeId: string, given: GivenCode, from: RequestSource): Promise<LogInResult> {
    const { database, rate } = this.#options;
    rate.requireAddress(from.address);
    const result = await database.transaction((queries) => this.#secondStep(queries, { challengeId, given, from }));
    if (result === undefined) throw new ControlError("LogInFailed");
    return result;
  }

  /** Undefined when it failed: throwing would undo the count of failures. */
  async #firstStep(queries: ControlQueries, { found, isRight, attempt }: FirstStep): Promise<LogInResult | undefined> {
    const { proofs, clock, random } = this.#options;
    const isLocked = await proofs.isLocked(queries, attempt.subject);
    const account = await findAccountById(queries, found?.userId ?? "");
    const isSame = account?.passwordVersion === found?.passwordVersion;
    if (account === undefined || !isRight || !isSame || isLocked || proofs.isBarred(account)) {
      await proofs.fail(queries, account, attempt);
      return undefined;
    }
    if (!account.totpEnabled) return this.#open(queries, account, { attempt, methods: ["password"] });
    const challengeId = makeSecretId(random);
    const { userId, passwordVersion } = account;
    const challenge = {
      challengeHash: hashSecretId(challengeId),
      userId,
      passwordVersion,
      address: attempt.from.address,
    };
    await insertChallenge(queries, challenge, clock.nowMs());
    return { kind: "challenge", challengeId, methods: ["totp", "recoveryCode"] };
  }

  async #secondStep(
    queries: ControlQueries,
    { challengeId, given, from }: SecondStep,
  ): Promise<LogInResult | undefined> {
    const { proofs, clock } = this.#options;
    const hash = hashSecretId(challengeId);
    const challenge = await takeTry(queries, hash, { address: from.address, nowMs: clock.nowMs() });
    const account = await findAccountById(queries, challenge?.userId ?? "");
    const attempt = { subject: await findSubject(queries, account?.userId, from.address), from, action };
    const isSame = account?.passwordVersion === challenge?.passwordVersion;
    const isLocked = await proofs.isLocked(queries, attempt.subject);
    if (account !== undefined && isSame && !isLocked && !proofs.isBarred(account)) {
      const method = await proofs.takeCode(queries, account, given);
      if (method !== undefined && (await removeChallenge(queries, hash))) {
        return this.#open(queries, account, { attempt, methods: ["password", method] });
      }
    }
    await proofs.fail(queries, account, attempt);
    return undefined;
  }

  async #open(queries: ControlQueries, account: Account, { attempt, methods }: Opening): Promise<LogInResult> {
    const { proofs, sessions, recordAudit } = this.#options;
    const { from } = attempt;
    await proofs.succeed(queries, account, attempt);
    const opened = await sessions.open(queries, account.userId, { methods, from });
    const mfa = methods.length > 1;
    const event = describeOwn(account, from, { action, outcome: "success" });
    const { sessionId } = opened.session;
    await recordAudit(queries, { ...event, actor: { ...event.actor, sessionId, mfa } });
    return { kind: "session", opened, account };
  }
}

interface FirstStep {
  readonly found: Account | undefined;
  readonly isRight: boolean;
  readonly attempt: Attempt;
}

interface SecondStep {
  readonly challengeId: string;
  readonly given: GivenCode;
  readonly from: RequestSource;
}

interface Opening {
  readonly attempt: Attempt;
  readonly methods: readonly ProofMethod[];
}
