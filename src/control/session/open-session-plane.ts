import type { Clock } from "#kernel/base/clock.ts";
import type { Random } from "#kernel/base/random.ts";
import type { AuditEvent, RecordAudit } from "../audit/audit-event.ts";
import type { ControlDatabase } from "../database/control-database.ts";
import type { Sealer } from "../encryption/seal.ts";
import type { LogInGuard } from "../http/log-in-guard.ts";
import type { Log } from "../observe/log.ts";
import { ApiTokens } from "./api-tokens.ts";
import { sweepChallenges } from "./challenge-store.ts";
import { type AllowsCaller, keepIdentities } from "./credential-narrowing.ts";
import { sweepFailures } from "./failure-store.ts";
import { Guard } from "./guard.ts";
import { LogIn } from "./log-in.ts";
import { LogInRate } from "./log-in-rate.ts";
import { LoginAdministration } from "./login-administration.ts";
import { OwnLogin } from "./own-login.ts";
import { OwnSessions } from "./own-sessions.ts";
import type { PasswordHasher } from "./password-hasher.ts";
import { Proofs } from "./proofs.ts";
import { SecondFactors } from "./second-factors.ts";
import type { SessionSettings } from "./session-settings.ts";
import { Sessions } from "./sessions.ts";

/** What log-in, sessions and the guard stand on. */
export interface SessionPlaneOptions {
  readonly database: ControlDatabase;
  readonly logIns: LogInGuard;
  readonly hasher: PasswordHasher;
  /** For secrets of second factors. */
  readonly sealer: Sealer;
  /** 32 bytes that make CSRF tokens. */
  readonly csrfKey: Uint8Array;
  readonly recordAudit: RecordAudit;
  /** For denials without a transaction. */
  readonly recordDenial: (event: AuditEvent) => void;
  readonly settings: () => SessionSettings;
  /** Port that the console listens on. */
  readonly port: () => number;
  /** Whether policies allow it. */
  readonly allowsCaller: AllowsCaller;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** The parts, put together. */
export interface SessionPlane {
  readonly guard: Guard;
  readonly logIn: LogIn;
  readonly ownLogin: OwnLogin;
  readonly ownSessions: OwnSessions;
  readonly secondFactors: SecondFactors;
  readonly tokens: ApiTokens;
  readonly administration: LoginAdministration;
  readonly settings: () => SessionSettings;
  /** Whether a caller may do something: policies, those that narrow the credential among them. */
  readonly allows: AllowsCaller;
  /** Removes what is over. */
  sweep(): Promise<void>;
}

/** Puts log-in, sessions and the guard together. Nothing is read or written before it is asked for. */
export function openSessionPlane(options: SessionPlaneOptions): SessionPlane {
  const { database, settings, clock } = options;
  const allows = keepIdentities(options.allowsCaller);
  const proofs = new Proofs(options);
  const sessions = new Sessions(options);
  const tokens = new ApiTokens(options);
  const parts = { ...options, proofs, sessions, tokens, allows };
  return {
    guard: new Guard(parts),
    logIn: new LogIn({ ...parts, rate: new LogInRate(settings, clock) }),
    ownLogin: new OwnLogin(parts),
    ownSessions: new OwnSessions(parts),
    secondFactors: new SecondFactors(parts),
    tokens,
    administration: new LoginAdministration(parts),
    settings,
    allows,
    sweep: () =>
      database.transaction(async (queries) => {
        const nowMs = clock.nowMs();
        await sessions.sweep(queries);
        await tokens.sweep(queries);
        await sweepChallenges(queries, nowMs);
        await sweepFailures(queries, nowMs - settings()["security.lockout_duration"] * 1000, nowMs);
      }),
  };
}
