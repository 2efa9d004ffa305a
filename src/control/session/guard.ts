import { createHmac } from "node:crypto";
import type { Clock } from "#kernel/base/clock.ts";
import { textsAreEqual } from "#kernel/base/texts-are-equal.ts";
import type { AuditEvent } from "../audit/audit-event.ts";
import type { ControlDatabase } from "../database/control-database.ts";
import type { Caller } from "../http/caller.ts";
import { ControlError, RefusedError, TooManyRequestsError } from "../http/control-error.ts";
import type { LogInGuard } from "../http/log-in-guard.ts";
import { type ConsolePlace, isOverTls, isOwnOrigin, isSecureRequest } from "../http/own-origin.ts";
import { RateLimiter } from "../http/rate-limiter.ts";
import { callerOfKey, readAgent, setRequestCaller } from "../http/request-caller.ts";
import { getRequestContext } from "../http/request-context.ts";
import type { RouteRule } from "../http/route-rule.ts";
import { type CookiePlace, readSessionCookie, renderSessionCookie } from "../http/session-cookie.ts";
import type { AskedResource } from "../iam/caller-request.ts";
import { type Account, findAccountById } from "./account-store.ts";
import type { ApiTokens } from "./api-tokens.ts";
import type { AllowsCaller } from "./credential-narrowing.ts";
import { describeRefusal, describeWrongCredentials, userArnOf } from "./log-in-audit.ts";
import type { LoggedIn, SessionUser } from "./own-login.ts";
import type { SessionSettings } from "./session-settings.ts";
import type { SessionRow } from "./session-store.ts";
import type { Sessions } from "./sessions.ts";
import { sourceOf } from "./source-of-request.ts";

/** What the guard stands on. */
export interface GuardOptions {
  readonly database: ControlDatabase;
  /** HTTP Basic with an access key. */
  readonly logIns: LogInGuard;
  readonly sessions: Sessions;
  readonly tokens: ApiTokens;
  /** Whether policies allow it, narrowed credentials bounded. */
  readonly allows: AllowsCaller;
  /** Told of what is refused. */
  readonly recordDenial: (event: AuditEvent) => void;
  readonly settings: () => SessionSettings;
  /** 32 bytes that make CSRF tokens. */
  readonly csrfKey: Uint8Array;
  /** Port that the console listens on. */
  readonly port: () => number;
  readonly clock: Clock;
}

/** An action, on whose things, and whether the caller may do it. */
export interface DescribedRight extends Pick<RouteRule, "action" | "scope"> {
  readonly allowed: boolean;
}

/** A proof of who somebody is counts as fresh this long, ms. */
const freshProofMs = 600_000;

const csrfHeader = "x-maxiofs-csrf";
const backgroundHeader = "x-maxiofs-background";

/**
 * Finds out who makes a request (`authenticate`, before anything of it is read) and whether he may (`authorize`, once the route is
 * known). Fails closed: no caller, no rule, no right.
 */
export class Guard {
  readonly #options: GuardOptions;
  readonly #rates: RateLimiter;
  readonly #users = new WeakMap<Request, LoggedIn>();

  constructor(options: GuardOptions) {
    this.#options = options;
    this.#rates = new RateLimiter(options.clock);
  }

  /**
   * Finds the caller: credentials in `Authorization` win over the cookie.
   * @throws ControlError Unauthorized; ForeignOrigin when a session's call that may change something was not made by the console.
   * @throws TooManyRequestsError when session or token called too often.
   */
  async authenticate(request: Request): Promise<void> {
    const header = request.headers.get("authorization");
    if (header === null) return this.#useSession(request);
    const isToken = /^bearer /i.test(header);
    try {
      await (isToken ? this.#useToken(request) : this.#useKey(request));
    } catch (error) {
      const isWrong = error instanceof ControlError && error.code === "Unauthorized";
      if (isWrong) this.#options.recordDenial(describeWrongCredentials(sourceOf(request), isToken ? "token" : "api"));
      throw error;
    }
  }

  /**
   * Judges the caller of a request by what there is by now: much may have been taken from him since it began. No attempt to log in,
   * and keeps no session awake.
   * @throws ControlError Unauthorized
   */
  async judgeAgain(request: Request): Promise<void> {
    const { caller, session } = this.requireUser(request);
    const { database, sessions } = this.#options;
    const now = session && (await sessions.reread(session));
    const isGood = session === undefined ? await this.#isStillGood(request) : now !== undefined;
    const account = await findAccountById(database, caller.userId);
    if (!isGood || !account?.active) throw new ControlError("Unauthorized");
    const narrowing = this.#narrowingNow(request);
    this.#set(request, { account, session: now, caller: { ...caller, global: account.global, narrowing } });
  }

  /**
   * Judges a call by its route's rule.
   * @throws ControlError Forbidden naming the action; SessionLocked, PasswordChangeWanted, SecondFactorWanted, FreshProofWanted.
   */
  authorize(request: Request, rule: RouteRule | undefined): void {
    const { caller, session, account } = this.requireUser(request);
    if (rule === undefined) throw new ControlError("Forbidden");
    getRequestContext(request).action = rule.action;
    if (rule.action === "-") return;
    if (session?.locked) throw new ControlError("SessionLocked");
    const duty = this.#findDuty(account, caller);
    if (duty !== undefined && rule.serves !== duty) throw new ControlError(dutyErrors[duty]);
    if (rule.freshProof && !caller.freshProof) throw new ControlError("FreshProofWanted");
    if (duty !== undefined || rule.decidedBy === "route") return;
    if (rule.scope === "G" && !caller.global) throw new RefusedError(rule.action);
    this.requireAllowed(request, rule.action, rule.scope === "O" ? ownArn(account, rule.action) : "*");
  }

  /**
   * Whether the caller of a long answer may still have it: its session, token or key is as good as before, and so are his rights.
   * Asking is no attempt to log in and keeps no session awake.
   */
  async isStillAllowed(request: Request, { action, scope }: Pick<RouteRule, "action" | "scope">): Promise<boolean> {
    const { caller } = this.requireUser(request);
    const { database, allows } = this.#options;
    const account = await findAccountById(database, caller.userId);
    if (!account?.active || (scope === "G" && !account.global)) return false;
    const holds = await this.#isStillGood(request);
    return holds && allows({ ...caller, global: account.global, narrowing: this.#narrowingNow(request) }, action, "*");
  }

  /** Asks the policies about a resource that a route found. @throws ControlError Forbidden naming the action. */
  requireAllowed(request: Request, action: string, asked: AskedResource): void {
    const { caller } = this.requireUser(request);
    if (!this.#options.allows(caller, action, asked)) throw new RefusedError(action);
    getRequestContext(request).allowed.push({ action, asked });
  }

  /** Whether policies allow a caller more than he asks for now. */
  isAllowed(request: Request, action: string, asked: AskedResource): boolean {
    return this.#options.allows(this.requireUser(request).caller, action, asked);
  }

  /**
   * Actions and scopes of the rules with whether policies allow them to the caller, sorted: for `*`, in scope O for the own user.
   * A right on one resource alone does not show, but for the keys of the own user, which narrowed credentials make and revoke.
   */
  describeRights(request: Request, rules: readonly RouteRule[]): readonly DescribedRight[] {
    const { caller, account } = this.requireUser(request);
    const rights = new Map<string, DescribedRight>();
    for (const { action, scope } of rules) {
      if (action === "-") continue;
      const arn = scope === "O" ? ownArn(account, action) : "*";
      const isOwnKeys = caller.narrowing.length > 0 && action.endsWith("AccessKey");
      const asked = isOwnKeys ? { forOwnKeys: userArnOf(account) } : arn;
      const allowed = (scope !== "G" || caller.global) && this.#options.allows(caller, action, asked);
      rights.set(`${action} ${scope}`, { action, scope, allowed });
    }
    return [...rights].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, right]) => right);
  }

  /** Records that a caller was refused, whoever found that he may not: policies, his boundary, a flag. */
  recordRefusal(request: Request, error: ControlError): void {
    const user = this.#users.get(request);
    if (user === undefined || error.code !== "Forbidden") return;
    const action = error instanceof RefusedError ? error.action : getRequestContext(request).action;
    if (action !== undefined) this.#options.recordDenial(describeRefusal(user.caller, action, error.code));
  }

  /** The user behind a request. @throws ControlError Unauthorized when the guard was not asked. */
  requireUser(request: Request): LoggedIn {
    const user = this.#users.get(request);
    if (user === undefined) throw new ControlError("Unauthorized");
    return user;
  }

  /** The user behind a request and his session. @throws ControlError Forbidden when the call was made without one. */
  requireSession(request: Request): SessionUser {
    const { session, ...user } = this.requireUser(request);
    if (session === undefined) throw new ControlError("Forbidden", "Only a session can do this");
    return { ...user, session };
  }

  /** The user of a session that was opened, or proved again, by this very call. */
  describeLogIn(request: Request, { account, session }: Pick<SessionUser, "account" | "session">): SessionUser {
    const caller = this.#describe(request, account, { via: "console", ...factorsOf(session), freshProof: true });
    return { account, session, caller };
  }

  /** Puts a session's id into the answer's cookie; an empty one takes the cookie away. */
  sendCookie(request: Request, id: string): void {
    const cookie = renderSessionCookie(id, this.#cookiePlace(request));
    const { responseHeaders } = getRequestContext(request);
    const index = responseHeaders.findIndex(([name]) => name === "set-cookie");
    if (index >= 0) responseHeaders.splice(index, 1);
    responseHeaders.push(["set-cookie", cookie]);
  }

  /** Refuses a call without session that another page made in its user's browser. Programs send no Origin. */
  requireOwnOrigin(request: Request): void {
    if (request.headers.has("origin") && !isOwnOrigin(request, this.#place())) throw new ControlError("ForeignOrigin");
  }

  /** What a session's calls must carry in `X-MaxIOFS-CSRF`: 43 characters. */
  csrfToken({ sessionId }: SessionRow): string {
    return createHmac("sha256", this.#options.csrfKey).update(sessionId).digest("base64url");
  }

  /** What the user must do before anything else; undefined: nothing. */
  dutyOf({ account, caller }: LoggedIn): RouteRule["serves"] {
    return this.#findDuty(account, caller);
  }

  /** A key's policy may be another one by now. */
  #narrowingNow(request: Request): Caller["narrowing"] {
    const { caller } = this.requireUser(request);
    const holder = caller.via === "basic" ? this.#options.logIns.find(request) : undefined;
    return holder?.key.narrowing ?? caller.narrowing;
  }

  async #isStillGood(request: Request): Promise<boolean> {
    const { session, caller } = this.requireUser(request);
    const { logIns, sessions, tokens } = this.#options;
    if (session !== undefined) return sessions.isOpen(session);
    if (caller.via === "token") return (await tokens.find(readToken(request))) !== undefined;
    return logIns.find(request) !== undefined;
  }

  async #useSession(request: Request): Promise<void> {
    const id = readSessionCookie(request, this.#cookiePlace(request));
    const isBackground = request.headers.get(backgroundHeader) === "1" || isEventStream(request);
    const found = id === undefined ? undefined : await this.#options.sessions.find(id, isBackground);
    if (found === undefined) throw new ControlError("Unauthorized");
    const { session, account, newId } = found;
    // Before anything else: a foreign page must not even learn from the answer what the session is like.
    if (request.method !== "GET" && request.method !== "HEAD") this.#requireConsole(request, session);
    this.#requireRate(request, `session ${session.sessionId}`);
    if (newId !== undefined) this.sendCookie(request, newId);
    const freshProof = this.#options.clock.nowMs() - session.proofAtMs <= freshProofMs;
    const caller = this.#describe(request, account, { via: "console", ...factorsOf(session), freshProof });
    this.#set(request, { account, session, caller });
  }

  async #useToken(request: Request): Promise<void> {
    const found = await this.#options.tokens.find(readToken(request));
    if (found === undefined) throw new ControlError("Unauthorized");
    const { row, account } = found;
    const narrowing = row.policy === undefined ? [] : [row.policy];
    this.#requireRate(request, `token ${row.tokenId}`);
    const proof = { mfa: false, freshProof: false };
    const caller = this.#describe(request, account, { via: "token", tokenId: row.tokenId, narrowing, ...proof });
    this.#set(request, { account, session: undefined, caller });
  }

  async #useKey(request: Request): Promise<void> {
    const holder = this.#options.logIns.authenticate(request);
    const account = await findAccountById(this.#options.database, holder.user.userId);
    if (account === undefined) throw new ControlError("Unauthorized");
    this.#set(request, {
      account,
      session: undefined,
      caller: callerOfKey(holder, request, isOverTls(request, this.#place())),
    });
  }

  #set(request: Request, user: LoggedIn): void {
    this.#users.set(request, user);
    setRequestCaller(request, user.caller);
  }

  #describe(request: Request, account: Account, proof: Proof): Caller {
    const { userId, userName, tenantId, global } = account;
    const { requestId, clientAddress: address } = getRequestContext(request);
    return {
      userId,
      userName,
      tenantId,
      global,
      narrowing: [],
      ...proof,
      address,
      secure: isOverTls(request, this.#place()),
      agent: readAgent(request),
      requestId,
    };
  }

  #requireConsole(request: Request, session: SessionRow): void {
    const isRight = textsAreEqual(request.headers.get(csrfHeader) ?? "", this.csrfToken(session));
    if (!isRight || !isOwnOrigin(request, this.#place())) throw new ControlError("ForeignOrigin");
  }

  #requireRate(request: Request, name: string): void {
    const settings = this.#options.settings();
    if (!settings["security.ratelimit_enabled"]) return;
    const rate = { limit: settings["security.ratelimit_api_per_second"], windowMs: 1000 };
    const { allowed, limit, remaining, resetSeconds, retryAfterSeconds } = this.#rates.take(name, rate);
    getRequestContext(request).responseHeaders.push(
      ["ratelimit-limit", String(limit)],
      ["ratelimit-remaining", String(remaining)],
      ["ratelimit-reset", String(resetSeconds)],
    );
    if (!allowed) throw new TooManyRequestsError(retryAfterSeconds, "Too many calls; try again later");
  }

  /** Access keys are no way around it for people, and have no password to change. */
  #findDuty(account: Account, { via, global }: Caller): RouteRule["serves"] {
    if (via === "basic") return undefined;
    if (account.mustChange) return "passwordChange";
    const wantsFactor = this.#options.settings()["security.require_2fa_admin"] && global && !account.totpEnabled;
    return wantsFactor ? "enrolment" : undefined;
  }

  #cookiePlace(request: Request): CookiePlace {
    return { port: this.#options.port(), isSecure: isSecureRequest(request, this.#place()) };
  }

  #place(): ConsolePlace {
    const settings = this.#options.settings();
    return {
      publicUrl: settings["server.public_console_url"],
      trustedProxies: settings["server.trusted_proxies"],
    };
  }
}

const dutyErrors = { passwordChange: "PasswordChangeWanted", enrolment: "SecondFactorWanted" } as const;

type Proof = Pick<Caller, "via" | "sessionId" | "tokenId" | "mfa" | "mfaAtMs" | "freshProof"> &
  Partial<Pick<Caller, "narrowing">>;

function factorsOf({ sessionId, mfaAtMs }: SessionRow): Pick<Proof, "sessionId" | "mfa" | "mfaAtMs"> {
  return { sessionId, mfa: mfaAtMs !== undefined, ...(mfaAtMs !== undefined && { mfaAtMs }) };
}

/** Browsers open streams with this header alone. */
function isEventStream(request: Request): boolean {
  return request.headers.get("accept") === "text/event-stream";
}

function readToken(request: Request): string {
  return (request.headers.get("authorization") ?? "").slice("bearer ".length).trim();
}

/** The user's own ARN, or that of the user's second factor for actions on such devices. */
function ownArn(account: Account, action: string): string {
  if (!action.endsWith("VirtualMFADevice")) return userArnOf(account);
  return `arn:aws:iam::${account.accountId}:mfa/${account.userName}`;
}
