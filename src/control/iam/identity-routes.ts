import { type Static, t } from "elysia";
import type { IdentityTag } from "#kernel/protocol/identities.ts";
import { ControlError } from "../http/control-error.ts";
import { parseIfMatch } from "../http/entity-tag.ts";
import type { RouteAnswer } from "../http/route-answer.ts";
import type { Guard } from "../session/guard.ts";
import type { SnapshotPublisher } from "../snapshot/publisher.ts";
import type { AskedEdit } from "./asked-edits.ts";
import type { AskedValues } from "./caller-request.ts";
import type { Actor, PageWanted } from "./identity-work.ts";
import { nameSorts } from "./sorted-list.ts";

/** What the routes of every kind of identity stand on. */
export interface IdentityRoutesBase {
  readonly guard: Guard;
  readonly publisher: Pick<SnapshotPublisher, "entries">;
}

/** A request and the values of its path's parameters; undefined for a path without any. */
export interface RoutedRequest {
  readonly request: Request;
  readonly params: Readonly<Record<string, string>> | undefined;
}

/** Where identities are reached: those of the caller's tenant, and for global administrators those of another one. */
export const identityPrefixes = ["/api/v1", "/api/v1/tenants/:tenant"] as const;

const strict = { additionalProperties: false };
const maxPage = 1000;
const defaultPage = 50;

/** `nextCursor` of the page before. */
export const cursorText = t.Optional(t.String({ maxLength: 512 }));
/** A part of what a list's items are called, in any case. */
export const searchText = t.Optional(t.String({ maxLength: 128 }));
/** An order of a list, by id when it is absent; a minus turns it round. */
export function sortText<Sort extends string>(sorts: readonly Sort[]) {
  return t.Optional(t.Union(sorts.map((sort) => t.Literal(sort))));
}

/** Query of a list. */
export const pageQuery = t.Object(
  {
    limit: t.Optional(t.Integer({ minimum: 1, maximum: maxPage })),
    cursor: cursorText,
    q: searchText,
    sort: sortText(nameSorts),
  },
  strict,
);

/** Names of users, roles, policies. Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateUser.html */
export const nameText = t.String({ pattern: "^[A-Za-z0-9+=,.@_-]{1,64}$" });
/** Names of groups and policies may be longer. */
export const longNameText = t.String({ pattern: "^[A-Za-z0-9+=,.@_-]{1,128}$" });
/** Paths of identities. */
export const pathText = t.String({ pattern: "^/([!-~]{1,510}/)?$" });
/** A policy's text; the parser has the real limits. */
export const documentText = t.String({ minLength: 1, maxLength: 40_960 });
/** The id of a managed policy, or name or ARN of a built-in one. */
export const policyText = t.String({ minLength: 1, maxLength: 256 });
/** Tags, by key. */
export const tagsRecord = t.Record(
  t.String({ minLength: 1, maxLength: 128 }),
  t.String({ maxLength: 256, pattern: "^[^\\u0000-\\u001f]*$" }),
);
/** One inline policy, or a new version's text. */
export const documentBody = t.Object({ document: documentText }, strict);

/** The rule of a route whose resource the route finds. */
export function ruleOf(tag: string, action: string, answer: RouteAnswer) {
  return { tags: [tag], action, scope: "T", decidedBy: "route", answer };
}

/** The rule of a route that edits what it finds: the request names the revision. */
export function editRuleOf(tag: string, action: string, answer: RouteAnswer) {
  return { ...ruleOf(tag, action, answer), ifMatch: true };
}

/** The page that a query wants. */
export function wantedPage({ limit, cursor, q, sort }: Static<typeof pageQuery>): PageWanted {
  return { limit: limit ?? defaultPage, cursor: cursor ?? "", q: q ?? "", sort };
}

/** Pairs of a record of tags. */
export function tagPairs(tags: Readonly<Record<string, string>>): readonly IdentityTag[] {
  return Object.entries(tags);
}

/** A record of tags. */
export function tagRecord(tags: readonly IdentityTag[]): Readonly<Record<string, string>> {
  return Object.fromEntries(tags);
}

/** RFC 3339, UTC. */
export function renderTime(ms: number): string {
  return new Date(ms).toISOString();
}

/**
 * The caller, and the tenant a path is about. @throws ControlError NotFound for another tenant, unless a global administrator asks
 * for one that exists.
 */
export function actorOf({ guard, publisher }: IdentityRoutesBase, { request, params }: RoutedRequest): Actor {
  const { caller } = guard.requireUser(request);
  const tenantId = params?.["tenant"] ?? caller.tenantId;
  const isOther = tenantId !== caller.tenantId;
  if (isOther && (!caller.global || !publisher.entries("tenant").has(tenantId))) throw new ControlError("NotFound");
  return { caller, tenantId };
}

/** As `actorOf`, with the revision that `If-Match` names. @throws ControlError also PreconditionRequired, PreconditionFailed */
export function editorOf(base: IdentityRoutesBase, routed: RoutedRequest): Actor {
  return { ...actorOf(base, routed), revision: parseIfMatch(routed.request.headers.get("if-match")) };
}

/** A question to the policies. */
export interface Question {
  readonly request: Request;
  readonly actor: Actor;
  readonly arn: string;
  readonly values?: AskedValues;
}

/**
 * Asks the policies. In another tenant a global administrator's Allow is asked for everything: it says nothing about a foreign
 * account. His Deny on the ARN holds there as well.
 * @throws ControlError Forbidden naming the action
 */
export function requireAction(
  { guard }: IdentityRoutesBase,
  { request, actor, arn, values = {} }: Question,
  action: string,
): void {
  const isOwn = actor.tenantId === actor.caller.tenantId;
  guard.requireAllowed(request, action, isOwn ? { arn, values } : { ofOtherTenant: arn, values });
}

/** Asks the policies for every part that a call edits. @throws ControlError Forbidden naming the action */
export function requireEdit(
  base: IdentityRoutesBase,
  { request, actor }: Pick<Question, "request" | "actor">,
  edits: readonly AskedEdit[],
): void {
  for (const { action, arn, values } of edits) requireAction(base, { request, actor, arn, values }, action);
}
