import { identityArn } from "#kernel/policy/identity-arn.ts";
import type { AuditEvent } from "../audit/audit-event.ts";
import { originOfCaller } from "../audit/origin-of-caller.ts";
import type { Caller } from "../http/caller.ts";
import type { Account } from "./account-store.ts";

/** Where a log-in comes from. */
export interface RequestSource {
  /** Of the client, without a port. */
  readonly address: string;
  /** `User-Agent`, at most 256 characters. */
  readonly agent: string;
  readonly requestId: string;
}

/** What is told of an event besides who and where. */
export type EventFacts = Pick<AuditEvent, "action" | "outcome" | "code" | "change" | "resource">;

/**
 * An event of somebody who has not proved yet who he is. What he typed as a name stands nowhere: it may be a password.
 * @param account the one he claimed, undefined when there is none
 */
export function describeAttempt(account: Account | undefined, from: RequestSource, facts: EventFacts): AuditEvent {
  return {
    tenantId: account?.tenantId ?? null,
    actor: { kind: "anonymous", id: "", name: "" },
    ...(account && { resource: { kind: "user", id: account.userId, name: account.userName, arn: userArnOf(account) } }),
    ...from,
    via: "console",
    ...facts,
  };
}

/** An event of a user who logged in, or logs in with it. */
export function describeOwn(account: Account, from: RequestSource, facts: EventFacts): AuditEvent {
  return {
    tenantId: account.tenantId,
    actor: { kind: "user", id: account.userId, name: account.userName },
    resource: { kind: "user", id: account.userId, name: account.userName, arn: userArnOf(account) },
    ...from,
    via: "console",
    ...facts,
  };
}

/** An event of a caller whom the guard let in. */
export function describeCall(caller: Caller, facts: EventFacts): AuditEvent {
  const { userId: id, userName: name, tenantId } = caller;
  return { tenantId, ...originOfCaller(caller), resource: { kind: "user", id, name }, ...facts };
}

/** An event of a caller who may not do something. What it was about is not known yet. */
export function describeRefusal(caller: Caller, action: string, code: string): AuditEvent {
  return { tenantId: caller.tenantId, ...originOfCaller(caller), action, outcome: "denied", code };
}

/** An event of credentials in `Authorization` that nobody has. */
export function describeWrongCredentials(from: RequestSource, via: "token" | "api"): AuditEvent {
  return {
    ...describeAttempt(undefined, from, { action: "auth:Login", outcome: "denied", code: "Unauthorized" }),
    via,
  };
}

/** ARN of the account's user. */
export function userArnOf({ accountId, path, userName }: Pick<Account, "accountId" | "path" | "userName">): string {
  return identityArn(accountId, "user", { path, name: userName });
}
