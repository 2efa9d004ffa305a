import type { Clock } from "#kernel/base/clock.ts";
import type { Random } from "#kernel/base/random.ts";
import type { AuditEvent, RecordAudit } from "../audit/audit-event.ts";
import type { ControlDatabase, ControlQueries } from "../database/control-database.ts";
import { ControlError } from "../http/control-error.ts";
import { type Account, findAccount, findAccountById, listAccounts, removeTotp, setPassword } from "./account-store.ts";
import type { ApiTokens, NewToken } from "./api-tokens.ts";
import { listLocked, unlockUser } from "./failure-store.ts";
import { userArnOf } from "./log-in-audit.ts";
import { makePassword } from "./make-password.ts";
import type { PasswordHasher } from "./password-hasher.ts";
import { forgetSecondFactor, removeSessions } from "./session-store.ts";
import { removeTokens } from "./token-store.ts";

/** A password made by the server works this long, ms. */
export const oneTimePasswordMs = 72 * 3_600_000;

/** A password that was made for a user: it can be read nowhere later. */
export interface OneTimePassword {
  readonly password: string;
  /** It works for `oneTimePasswordMs` from then on. */
  readonly setAtMs: number;
}

/** Who administers log-ins, as the audit trail shows it. */
export type Administrator = Pick<AuditEvent, "actor" | "via" | "requestId" | "address" | "agent">;

/** A user as administrators see his log-in. */
export interface ListedLogin {
  readonly tenant: string;
  readonly userName: string;
  readonly userId: string;
  readonly global: boolean;
  readonly password: "none" | "set" | "to be changed" | "expired";
  readonly secondFactor: boolean;
  readonly locked: boolean;
}

/** What administering log-ins stands on. */
export interface LoginAdministrationOptions {
  readonly database: ControlDatabase;
  readonly hasher: PasswordHasher;
  readonly tokens: ApiTokens;
  readonly recordAudit: RecordAudit;
  readonly clock: Clock;
  readonly random: Random;
}

/** Help for people who cannot log in, and an end to log-ins that should not be: by command line and by administrators. */
export class LoginAdministration {
  readonly #options: LoginAdministrationOptions;

  constructor(options: LoginAdministrationOptions) {
    this.#options = options;
  }

  /** Administrators and everybody who ever had a password. */
  async list(): Promise<readonly ListedLogin[]> {
    const { database, clock } = this.#options;
    const nowMs = clock.nowMs();
    const locked = await listLocked(database, nowMs);
    return (await listAccounts(database)).map((account) => ({
      ...{ tenant: account.tenantSlug, userName: account.userName, userId: account.userId, global: account.global },
      password: describePassword(account, nowMs),
      secondFactor: account.totpEnabled,
      locked: locked.has(account.userId),
    }));
  }

  /** The user of this name. @throws ControlError NotFound. */
  async find(tenant: string, userName: string): Promise<Account> {
    const account = await findAccount(this.#options.database, tenant, userName);
    if (account === undefined) throw new ControlError("NotFound", noSuchUser);
    return account;
  }

  /** The user of this id. @throws ControlError NotFound. */
  async findById(userId: string): Promise<Account> {
    const account = await findAccountById(this.#options.database, userId);
    if (account === undefined) throw new ControlError("NotFound", noSuchUser);
    return account;
  }

  /** Gives the user a password that must be changed at the first log-in, ends his sessions and API tokens, unlocks him. */
  async resetPassword(account: Account, by: Administrator): Promise<OneTimePassword> {
    const { hasher, random, clock } = this.#options;
    const password = makePassword(random);
    const hash = await hasher.hash(password);
    const nowMs = clock.nowMs();
    await this.#change(account, by, {
      action: "iam:UpdateLoginProfile",
      work: async (queries) => {
        const expiresAtMs = nowMs + oneTimePasswordMs;
        await setPassword(queries, account.userId, { hash, mustChange: true, expiresAtMs, nowMs });
        await removeSessions(queries, account.userId);
        await removeTokens(queries, account.userId);
        await unlockUser(queries, account.userId);
      },
    });
    return { password, setAtMs: nowMs };
  }

  /** Forgets the user's failed log-ins. */
  async unlock(account: Account, by: Administrator): Promise<void> {
    const work = async (queries: ControlQueries) => void (await unlockUser(queries, account.userId));
    await this.#change(account, by, { action: "maxiofs:UnlockUser", work });
  }

  /** Takes the second factor away. @throws ControlError Conflict when there is none. */
  async disableSecondFactor(account: Account, by: Administrator): Promise<void> {
    if (!account.totpEnabled) throw new ControlError("Conflict", "The user has no second factor");
    const work = async (queries: ControlQueries) => {
      await removeTotp(queries, account.userId);
      await forgetSecondFactor(queries, account.userId);
    };
    await this.#change(account, by, { action: "iam:DeactivateMFADevice", work });
  }

  /** Ends all sessions and API tokens. @returns how many sessions there were. */
  revokeSessions(account: Account, by: Administrator): Promise<number> {
    const work = async (queries: ControlQueries) => {
      await removeTokens(queries, account.userId);
      return removeSessions(queries, account.userId);
    };
    return this.#change(account, by, { action: "maxiofs:ManageSessions", work });
  }

  /** Makes an API token. @throws ControlError as `ApiTokens.create` does. */
  async createToken(account: Account, by: Administrator, token: Omit<NewToken, "userId">): Promise<string> {
    const event = describeChange(account, by, "iam:CreateAccessKey");
    return (await this.#options.tokens.create({ ...token, userId: account.userId }, event)).token;
  }

  #change<T>(account: Account, by: Administrator, { action, work }: Change<T>): Promise<T> {
    const { database, recordAudit } = this.#options;
    return database.transaction(async (queries) => {
      // The user may have been deleted since he was found.
      if ((await findAccountById(queries, account.userId)) === undefined)
        throw new ControlError("NotFound", noSuchUser);
      const result = await work(queries);
      await recordAudit(queries, describeChange(account, by, action));
      return result;
    });
  }
}

const noSuchUser = "There is no such user";

interface Change<T> {
  readonly action: string;
  readonly work: (queries: ControlQueries) => Promise<T>;
}

function describeChange(account: Account, by: Administrator, action: string): AuditEvent {
  const { userId: id, userName: name, tenantId } = account;
  return { tenantId, ...by, action, resource: { kind: "user", id, name, arn: userArnOf(account) }, outcome: "success" };
}

function describePassword(account: Account, nowMs: number): ListedLogin["password"] {
  const { passwordHash, passwordExpiresAtMs, mustChange } = account;
  if (passwordHash === undefined) return "none";
  if (passwordExpiresAtMs !== undefined && passwordExpiresAtMs <= nowMs) return "expired";
  return mustChange ? "to be changed" : "set";
}
