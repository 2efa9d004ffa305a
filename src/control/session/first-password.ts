import type { Clock } from "#kernel/base/clock.ts";
import type { Random } from "#kernel/base/random.ts";
import type { RecordAudit } from "../audit/audit-event.ts";
import type { ControlDatabase } from "../database/control-database.ts";
import { StartRefusedError } from "../start-refused-error.ts";
import { findFirstAdministrator, hasLogins, setPassword } from "./account-store.ts";
import { userArnOf } from "./log-in-audit.ts";
import { oneTimePasswordMs } from "./login-administration.ts";
import { makePassword } from "./make-password.ts";
import type { PasswordHasher } from "./password-hasher.ts";
import { findPasswordProblems, type PasswordRules } from "./password-rules.ts";

/** The administrator's password that a start made. */
export interface FirstPassword {
  readonly userName: string;
  /** To be shown now: it can be read nowhere later. */
  readonly password: string;
}

/** What giving the first password needs. */
export interface FirstPasswordSource {
  readonly database: ControlDatabase;
  readonly hasher: PasswordHasher;
  readonly recordAudit: RecordAudit;
  readonly rules: PasswordRules;
  /** From the configuration; means nothing once anybody has a password. */
  readonly given: string | undefined;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Gives the first administrator a password where nobody has one: at the first start, and at the first one of a release that has
 * log-ins. A given one stays; a random one works 72 hours and must be changed at the first log-in.
 * @returns the random one; undefined when there is none to show.
 * @throws StartRefusedError when the given one breaks the rules.
 */
export async function ensureFirstPassword(source: FirstPasswordSource): Promise<FirstPassword | undefined> {
  const { database, hasher, recordAudit, rules, given, clock, random } = source;
  const administrator = await findFirstAdministrator(database);
  if (administrator === undefined || (await hasLogins(database))) return undefined;
  const { userId, userName, tenantId } = administrator;
  const problems = given === undefined ? [] : findPasswordProblems(given, userName, rules);
  if (problems.length > 0) {
    throw new StartRefusedError(
      `The administrator's password (MAXIOFS_ADMIN_PASSWORD) is refused: ${problems.join("; ")}`,
    );
  }
  const password = given ?? makePassword(random);
  const hash = await hasher.hash(password);
  return database.transaction(async (queries) => {
    if (await hasLogins(queries)) return undefined;
    const nowMs = clock.nowMs();
    const isOneTime = given === undefined;
    const expiresAtMs = isOneTime ? nowMs + oneTimePasswordMs : undefined;
    await setPassword(queries, userId, { hash, mustChange: isOneTime, expiresAtMs, nowMs });
    await recordAudit(queries, {
      ...{ tenantId, actor: { kind: "system", id: "", name: "start" }, via: "system", outcome: "success" },
      action: "iam:CreateLoginProfile",
      resource: { kind: "user", id: userId, name: userName, arn: userArnOf(administrator) },
    });
    return isOneTime ? { userName, password } : undefined;
  });
}
