import type { Clock } from "#kernel/base/clock.ts";
import type { Random } from "#kernel/base/random.ts";
import type { RecordAudit } from "../audit/audit-event.ts";
import type { ControlDatabase, ControlQueries } from "../database/control-database.ts";
import type { Caller } from "../http/caller.ts";
import { ControlError } from "../http/control-error.ts";
import {
  type Account,
  countRecoveryCodes,
  enableTotp,
  findAccountById,
  removeTotp,
  setPassword,
  setPendingTotp,
  setRecoveryCodes,
} from "./account-store.ts";
import { findSubject } from "./failure-store.ts";
import { describeCall } from "./log-in-audit.ts";
import type { PasswordHasher } from "./password-hasher.ts";
import { findPasswordProblems } from "./password-rules.ts";
import type { GivenCode, Proofs } from "./proofs.ts";
import { hashRecoveryCode, makeRecoveryCodes } from "./recovery-code.ts";
import type { SessionSettings } from "./session-settings.ts";
import { forgetSecondFactor, removeSession, removeSessions, type SessionRow } from "./session-store.ts";
import type { OpenedSession, Sessions } from "./sessions.ts";
import { makeTotpSecret, renderTotpUri, verifyTotp } from "./totp.ts";

/** What the own log-in stands on. */
export interface OwnLoginOptions {
  readonly database: ControlDatabase;
  readonly hasher: PasswordHasher;
  readonly proofs: Proofs;
  readonly sessions: Sessions;
  readonly recordAudit: RecordAudit;
  readonly settings: () => SessionSettings;
  readonly clock: Clock;
  readonly random: Random;
}

/** A user who is logged in. */
export interface LoggedIn {
  readonly account: Account;
  /** Undefined for callers without a session. */
  readonly session: SessionRow | undefined;
  readonly caller: Caller;
}

/** A secret that an authenticator app is to take over. */
export interface PendingTotp {
  /** Base 32. */
  readonly secret: string;
  /** `otpauth://totp/...` */
  readonly uri: string;
}

/** What users do with their own log-in: prove again who they are, change the password, set up and remove the second factor. */
export class OwnLogin {
  readonly #options: OwnLoginOptions;

  constructor(options: OwnLoginOptions) {
    this.#options = options;
  }

  /**
   * Proof of the password or of the second factor: a fresh one, and a locked session opens. The session gets a new id.
   * Failures count as those of a log-in do.
   * Who has a second factor confirms with that: a session and the password would be all that it takes to get rid of it. His password
   * forgets no failures either, which may be those of guessed codes.
   * @throws ControlError LogInFailed for a wrong one, or while the user is locked; InvalidRequest for the password alone; Conflict when
   * another call of the session was faster, or there is nothing to unlock
   */
  async prove(user: SessionUser, given: GivenProof, action: "auth:Confirm" | "auth:Unlock"): Promise<OpenedSession> {
    const { database, hasher, proofs, sessions, recordAudit } = this.#options;
    const { caller, session } = user;
    if (given.kind === "password" && user.account.totpEnabled && action === "auth:Confirm")
      throw new ControlError("InvalidRequest", "A code of the second factor is wanted");
    if (action === "auth:Unlock" && !session.locked) throw new ControlError("Conflict", "The session is not locked");
    const hash = user.account.passwordHash;
    const isRight = given.kind === "password" && (await hasher.verify(given.password, hash));
    const opened = await database.transaction(async (queries) => {
      const account = await findAccountById(queries, user.account.userId);
      const subject = await findSubject(queries, account?.userId, caller.address);
      const isLocked = await proofs.isLocked(queries, subject);
      if (account !== undefined && !isLocked) {
        const isSame = isRight && account.passwordHash === hash;
        const method =
          given.kind === "password" ? isSame && "password" : await proofs.takeCode(queries, account, given);
        const isFresh = method !== "password" || !account.totpEnabled;
        if (method) {
          const next = await sessions.elevate(queries, session, { methods: [method], isFresh });
          if (next === undefined) throw new ControlError("Conflict", "Another call of this session was faster");
          if (isFresh) await proofs.succeed(queries, account, { subject, from: caller, action });
          await recordAudit(queries, describeCall(caller, { action, outcome: "success" }));
          return next;
        }
      }
      await proofs.fail(queries, account, { subject, from: caller, action });
      return undefined;
    });
    if (opened === undefined) throw new ControlError("LogInFailed");
    return opened;
  }

  /**
   * Sets a new password and ends all other sessions. The own session, if there is one, gets a new id.
   * @throws ControlError InvalidRequest with every rule that the password breaks; Unauthorized when session or password ended meanwhile.
   */
  async changePassword(user: LoggedIn, password: string): Promise<OpenedSession | undefined> {
    const { database, hasher, sessions, recordAudit, settings, clock } = this.#options;
    const { account, session, caller } = user;
    requirePassword(findPasswordProblems(password, account.userName, settings()));
    if (await hasher.verify(password, account.passwordHash)) requirePassword(["The password must be another one"]);
    const hash = await hasher.hash(password);
    return database.transaction(async (queries) => {
      const nowMs = clock.nowMs();
      const now = await findAccountById(queries, account.userId);
      const opened = session && (await sessions.elevate(queries, session, { methods: [], isFresh: true }));
      const isOver =
        now?.passwordVersion !== account.passwordVersion || (session !== undefined && opened === undefined);
      if (isOver) throw new ControlError("Unauthorized");
      await setPassword(queries, account.userId, { hash, mustChange: false, expiresAtMs: undefined, nowMs });
      const ended = await removeSessions(queries, account.userId, session?.sessionId);
      const change = { sessions: { after: `${ended} ended` } };
      await recordAudit(queries, describeCall(caller, { action: "iam:ChangePassword", outcome: "success", change }));
      return opened;
    });
  }

  /** Makes a second factor that counts once a code of it was given. @throws ControlError Conflict when there is one, or no password. */
  async beginTotp({ account, caller }: LoggedIn): Promise<PendingTotp> {
    const { database, proofs, recordAudit, random } = this.#options;
    const secret = makeTotpSecret(random);
    const action = "iam:CreateVirtualMFADevice";
    await database.transaction(async (queries) => {
      const { totpEnabled, passwordHash } = await this.#requireAccount(queries, account.userId);
      if (totpEnabled) throw new ControlError("Conflict", "There is a second factor already");
      if (passwordHash === undefined) throw new ControlError("Conflict", "The user has no password");
      await setPendingTotp(queries, account.userId, proofs.sealTotp(account.userId, secret));
      await recordAudit(queries, describeCall(caller, { action, outcome: "success" }));
    });
    return { secret, uri: renderTotpUri(secret, `${account.tenantSlug}/${account.userName}`) };
  }

  /**
   * Puts the second factor in force with its first code. @returns recovery codes, shown this once, and the session's new id.
   * @throws ControlError Conflict when none is being set up; InvalidRequest for a wrong code.
   */
  async enableTotp(
    user: LoggedIn,
    code: string,
  ): Promise<{ codes: readonly string[]; opened: OpenedSession | undefined }> {
    const { database, proofs, sessions, recordAudit, clock } = this.#options;
    const { account, session, caller } = user;
    return database.transaction(async (queries) => {
      const { userId, sealedTotp, totpEnabled } = await this.#requireAccount(queries, account.userId);
      if (sealedTotp === undefined || totpEnabled) {
        throw new ControlError("Conflict", "No second factor is being set up");
      }
      const secret = proofs.openTotp(userId, sealedTotp);
      const accepted = verifyTotp(code, { secret, nowMs: clock.nowMs(), afterTimeStep: undefined });
      if (accepted === undefined) throw wrongCode();
      await enableTotp(queries, userId, accepted.timeStep);
      const codes = await this.#setCodes(queries, userId);
      await recordAudit(queries, describeCall(caller, { action: "iam:EnableMFADevice", outcome: "success" }));
      return {
        codes,
        opened: session && (await sessions.elevate(queries, session, { methods: ["totp"], isFresh: true })),
      };
    });
  }

  /** Takes the second factor away. @throws ControlError NotFound when there is none. */
  async removeTotp({ account, caller }: LoggedIn): Promise<void> {
    const { database, recordAudit } = this.#options;
    await database.transaction(async (queries) => {
      const { userId, sealedTotp } = await this.#requireAccount(queries, account.userId);
      if (sealedTotp === undefined) throw new ControlError("NotFound", "There is no second factor");
      await removeTotp(queries, userId);
      await forgetSecondFactor(queries, userId);
      await recordAudit(queries, describeCall(caller, { action: "iam:DeactivateMFADevice", outcome: "success" }));
    });
  }

  /** Replaces the recovery codes. @throws ControlError Conflict when there is no second factor. */
  async renewRecoveryCodes({ account, caller }: LoggedIn): Promise<readonly string[]> {
    const { database, recordAudit } = this.#options;
    return database.transaction(async (queries) => {
      const { userId, totpEnabled } = await this.#requireAccount(queries, account.userId);
      if (!totpEnabled) throw new ControlError("Conflict", "There is no second factor");
      const codes = await this.#setCodes(queries, userId);
      await recordAudit(queries, describeCall(caller, { action: "iam:ResyncMFADevice", outcome: "success" }));
      return codes;
    });
  }

  /** How many recovery codes are left. */
  countRecoveryCodes({ userId }: Account): Promise<number> {
    return countRecoveryCodes(this.#options.database, userId);
  }

  /** Ends the own session. */
  async logOut({ account, session, caller }: SessionUser): Promise<void> {
    const { database, recordAudit } = this.#options;
    await database.transaction(async (queries) => {
      await removeSession(queries, account.userId, session.sessionId);
      await recordAudit(queries, describeCall(caller, { action: "auth:Logout", outcome: "success" }));
    });
  }

  /** Locks the own session. */
  async lock({ session, caller }: SessionUser): Promise<void> {
    const { database, sessions, recordAudit } = this.#options;
    await database.transaction(async (queries) => {
      await sessions.lock(queries, session);
      await recordAudit(queries, describeCall(caller, { action: "auth:Lock", outcome: "success" }));
    });
  }

  async #requireAccount(queries: ControlQueries, userId: string): Promise<Account> {
    const account = await findAccountById(queries, userId);
    if (account === undefined) throw new ControlError("NotFound");
    return account;
  }

  async #setCodes(queries: ControlQueries, userId: string): Promise<readonly string[]> {
    const codes = makeRecoveryCodes(this.#options.random);
    const hashes = codes.map((code) => hashRecoveryCode(userId, code));
    await setRecoveryCodes(queries, userId, hashes);
    return codes;
  }
}

/** A user with a session. */
export interface SessionUser extends LoggedIn {
  readonly session: SessionRow;
}

/** What somebody gives to prove again who he is. */
export type GivenProof = { readonly kind: "password"; readonly password: string } | GivenCode;

function wrongCode(): ControlError {
  const message = "The code is not the one of this moment";
  return new ControlError("InvalidRequest", message, [{ pointer: "/code", message }]);
}

function requirePassword(problems: readonly string[]): void {
  if (problems.length === 0) return;
  const parts = problems.map((message) => ({ pointer: "/password", message }));
  throw new ControlError("InvalidRequest", "The password breaks the rules", parts);
}
