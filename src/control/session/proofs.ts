import type { Clock } from "#kernel/base/clock.ts";
import type { RecordAudit } from "../audit/audit-event.ts";
import type { ControlQueries } from "../database/control-database.ts";
import type { Sealer } from "../encryption/seal.ts";
import type { Log } from "../observe/log.ts";
import { type Account, setTotpStep, useRecoveryCode } from "./account-store.ts";
import { countFailure, forgetFailures, isLockedOut, rememberAddress } from "./failure-store.ts";
import { describeAttempt, type RequestSource } from "./log-in-audit.ts";
import { hashRecoveryCode } from "./recovery-code.ts";
import type { SessionSettings } from "./session-settings.ts";
import type { ProofMethod } from "./session-store.ts";
import { verifyTotp } from "./totp.ts";

/** What proofs stand on. */
export interface ProofsOptions {
  /** For secrets of second factors. */
  readonly sealer: Sealer;
  readonly recordAudit: RecordAudit;
  readonly settings: () => SessionSettings;
  readonly clock: Clock;
  readonly log: Log;
}

/** A code as it was typed. */
export interface GivenCode {
  readonly kind: "totp" | "recoveryCode";
  readonly code: string;
}

/** An attempt to prove something, failed ones being counted under `subject`. */
export interface Attempt {
  readonly subject: string;
  readonly from: RequestSource;
  /** The policy action or `auth:Login` and the like. */
  readonly action: string;
}

/** Judges second factors, counts failures, locks: the same for every step of a log-in and for everything asked again later. */
export class Proofs {
  readonly #options: ProofsOptions;

  constructor(options: ProofsOptions) {
    this.#options = options;
  }

  /** Whether attempts under the subject are refused whatever they bring. */
  isLocked(queries: ControlQueries, subject: string): Promise<boolean> {
    return isLockedOut(queries, subject, this.#options.clock.nowMs());
  }

  /** Whether no password lets the user in: suspended, or the password is over. */
  isBarred({ active, passwordExpiresAtMs }: Account): boolean {
    return !active || (passwordExpiresAtMs !== undefined && passwordExpiresAtMs <= this.#options.clock.nowMs());
  }

  /** Uses a code up. @returns what it proves; undefined when it is wrong, used before, or the user has no second factor. */
  async takeCode(queries: ControlQueries, account: Account, given: GivenCode): Promise<ProofMethod | undefined> {
    const { userId, sealedTotp, totpEnabled, totpStep } = account;
    if (!totpEnabled || sealedTotp === undefined) return undefined;
    if (given.kind === "recoveryCode") {
      const isRight = await useRecoveryCode(queries, userId, hashRecoveryCode(userId, given.code));
      return isRight ? "recoveryCode" : undefined;
    }
    const secret = this.openTotp(userId, sealedTotp);
    const nowMs = this.#options.clock.nowMs();
    const accepted = verifyTotp(given.code, { secret, nowMs, afterTimeStep: totpStep });
    if (accepted === undefined) return undefined;
    await setTotpStep(queries, userId, accepted.timeStep);
    return "totp";
  }

  /** The secret of a second factor, base 32. @throws SealBrokenError when it was changed or moved. */
  openTotp(userId: string, sealed: string): string {
    return Buffer.from(this.#options.sealer.open(sealed, totpPlace(userId))).toString();
  }

  /** Seals the secret of a second factor. */
  sealTotp(userId: string, secret: string): string {
    return this.#options.sealer.seal(Buffer.from(secret), totpPlace(userId));
  }

  /** Counts a failed attempt and records it. Does not throw: the caller's transaction must commit. */
  async fail(queries: ControlQueries, account: Account | undefined, attempt: Attempt): Promise<void> {
    const { recordAudit, settings, clock, log } = this.#options;
    const { subject, from, action } = attempt;
    const rules = {
      maxFailures: settings()["security.max_failed_attempts"],
      lockMs: settings()["security.lockout_duration"] * 1000,
      nowMs: clock.nowMs(),
    };
    const locks = await countFailure(queries, subject, rules);
    await recordAudit(queries, describeAttempt(account, from, { action, outcome: "denied", code: "LogInFailed" }));
    const { address, requestId } = from;
    const userId = account?.userId ?? "unknown";
    log.warn("A log-in at the console port was refused", { requestId, address, userId, action });
    if (!locks) return;
    await recordAudit(queries, describeAttempt(account, from, { action: "auth:Lockout", outcome: "success" }));
    log.warn("A user is locked after too many failed log-ins", {
      ...{ requestId, userId, address, seconds: rules.lockMs / 1000 },
    });
  }

  /** Forgets failures after a whole log-in, and remembers where it came from. */
  async succeed(queries: ControlQueries, { userId }: Account, { subject, from }: Attempt): Promise<void> {
    const nowMs = this.#options.clock.nowMs();
    await forgetFailures(queries, subject);
    await rememberAddress(queries, userId, { address: from.address, nowMs });
  }
}

function totpPlace(userId: string): { table: string; row: string; column: string } {
  return { table: "logins", row: userId, column: "sealed_totp" };
}
