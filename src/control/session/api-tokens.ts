import type { Clock } from "#kernel/base/clock.ts";
import type { Random } from "#kernel/base/random.ts";
import { createUlidMaker } from "#kernel/base/ulid.ts";
import { parsePolicy } from "#kernel/policy/parse-policy.ts";
import type { AuditEvent, RecordAudit } from "../audit/audit-event.ts";
import type { ControlDatabase, ControlQueries } from "../database/control-database.ts";
import { ControlError } from "../http/control-error.ts";
import { type Account, findAccountById } from "./account-store.ts";
import { isApiToken, makeApiToken } from "./api-token.ts";
import { hashSecretId } from "./secret-id.ts";
import type { SessionSettings } from "./session-settings.ts";
import {
  countTokens,
  findToken,
  insertToken,
  listTokens,
  maxTokens,
  removeToken,
  sweepTokens,
  type TokenRow,
} from "./token-store.ts";

/** Days that a token lives when nothing is said, unless tokens may not live so long. */
const defaultTokenDays = 90;

const dayMs = 86_400_000;

/** A token to be made. */
export interface NewToken {
  readonly userId: string;
  /** For people. */
  readonly name: string;
  /** 1 to `security.api_token_max_days`. */
  readonly days?: number;
  /** Text of a policy that narrows it. */
  readonly policy?: string;
}

/** What API tokens stand on. */
export interface ApiTokensOptions {
  readonly database: ControlDatabase;
  readonly recordAudit: RecordAudit;
  readonly settings: () => SessionSettings;
  readonly clock: Clock;
  readonly random: Random;
}

/** Tokens that automation shows in place of a session. */
export class ApiTokens {
  readonly #options: ApiTokensOptions;
  readonly #makeId: () => string;

  constructor(options: ApiTokensOptions) {
    this.#options = options;
    this.#makeId = createUlidMaker(options.clock, options.random);
  }

  /**
   * Makes a token. It can be read nowhere later. `event` is recorded with the token as its resource.
   * @throws ControlError InvalidRequest for a bad name or policy or too many days; Conflict when the user has too many tokens.
   */
  async create(token: NewToken, event: AuditEvent): Promise<{ readonly row: TokenRow; readonly token: string }> {
    const { database, recordAudit, clock, random } = this.#options;
    const days = this.#readDays(token.days);
    requireName(token.name);
    requirePolicy(token.policy);
    const text = makeApiToken(random);
    const nowMs = clock.nowMs();
    const { userId, name, policy } = token;
    const row: TokenRow = {
      ...{ tokenId: this.#makeId(), userId, name, policy, createdAtMs: nowMs, expiresAtMs: nowMs + days * dayMs },
    };
    await database.transaction(async (queries) => {
      if ((await countTokens(queries, userId)) >= maxTokens) {
        throw new ControlError("Conflict", `A user has at most ${maxTokens} API tokens`);
      }
      await insertToken(queries, hashSecretId(text), row);
      const after = { name, expiresAt: new Date(row.expiresAtMs).toISOString(), narrowed: policy !== undefined };
      const resource = { kind: "token", id: row.tokenId, name };
      await recordAudit(queries, { ...event, resource, change: { token: { after } } });
    });
    return { row, token: text };
  }

  /** The token and its user; undefined when it was never issued, was revoked or has expired, or the user is suspended. */
  async find(text: string): Promise<{ readonly row: TokenRow; readonly account: Account } | undefined> {
    if (!isApiToken(text)) return undefined;
    const { database, clock } = this.#options;
    const row = await findToken(database, hashSecretId(text));
    if (row === undefined || row.expiresAtMs <= clock.nowMs()) return undefined;
    const account = await findAccountById(database, row.userId);
    return account?.active ? { row, account } : undefined;
  }

  /** Tokens of a user, the latest first. */
  list(userId: string): Promise<readonly TokenRow[]> {
    return listTokens(this.#options.database, userId);
  }

  /** Revokes a token at once. @throws ControlError NotFound when the user has none of this id. */
  async revoke(userId: string, tokenId: string, event: AuditEvent): Promise<void> {
    const { database, recordAudit } = this.#options;
    await database.transaction(async (queries) => {
      if (!(await removeToken(queries, userId, tokenId))) throw new ControlError("NotFound");
      await recordAudit(queries, { ...event, resource: { kind: "token", id: tokenId } });
    });
  }

  /** Removes tokens that expired a month ago: until then they are listed as expired. */
  sweep(queries: ControlQueries): Promise<void> {
    return sweepTokens(queries, this.#options.clock.nowMs() - 30 * dayMs);
  }

  #readDays(days: number | undefined): number {
    const max = this.#options.settings()["security.api_token_max_days"];
    if (days === undefined) return Math.min(defaultTokenDays, max);
    if (Number.isInteger(days) && days >= 1 && days <= max) return days;
    const message = `A token lives 1 to ${max} days`;
    throw new ControlError("InvalidRequest", message, [{ pointer: "/days", message }]);
  }
}

/** @throws ControlError InvalidRequest */
function requireName(name: string): void {
  if (/^[^\p{Cc}]{1,64}$/u.test(name)) return;
  const message = "A name has 1 to 64 characters, none of them a control character";
  throw new ControlError("InvalidRequest", message, [{ pointer: "/name", message }]);
}

function requirePolicy(text: string | undefined): void {
  if (text === undefined) return;
  const parsed = parsePolicy(text, { kind: "key" });
  if (parsed.kind === "document") return;
  const parts = parsed.problems.map(({ pointer, message }) => ({ pointer: `/policy${pointer}`, message }));
  throw new ControlError("InvalidRequest", "The policy is not valid", parts);
}
