import { Elysia, t } from "elysia";
import { identityArn } from "#kernel/policy/identity-arn.ts";
import type { RoleEntry, UserEntry } from "#kernel/protocol/identities.ts";
import { originOfCaller } from "../audit/origin-of-caller.ts";
import { ControlError } from "../http/control-error.ts";
import { doneAnswer, pageAnswer, type RouteAnswer, textOrNull, timeText, valueAnswer } from "../http/route-answer.ts";
import { momentText, parseMoment } from "../http/time-text.ts";
import { identityValues } from "../iam/asked-edits.ts";
import {
  actorOf,
  cursorText,
  type IdentityRoutesBase,
  identityPrefixes,
  type RoutedRequest,
  requireAction,
  ruleOf,
  searchText,
  sortText,
} from "../iam/identity-routes.ts";
import type { Actor } from "../iam/identity-work.ts";
import { requireReach } from "../iam/users/reach.ts";
import { sessionSorts } from "./sts-session-store.ts";
import type { ListedSession, StsSessions } from "./sts-sessions.ts";

/** What the routes stand on. */
export interface StsSessionRoutesOptions extends IdentityRoutesBase {
  readonly sessions: StsSessions;
}

const strict = { additionalProperties: false };
const maxPage = 1000;
const defaultPage = 50;
const principalId = t.String({ pattern: "^A(?:IDA|ROA)[A-Z0-9]{12,32}$" });

const page = t.Object(
  {
    limit: t.Optional(t.Integer({ minimum: 1, maximum: maxPage })),
    cursor: cursorText,
    q: searchText,
    sort: sortText(sessionSorts),
    principalId: t.Optional(principalId),
  },
  strict,
);

const rule = (action: string, answer: RouteAnswer) => ruleOf("sts-sessions", action, answer);
const states = ["active", "revoked", "suspended", "gone", "expired"] as const;
const session = t.Object(
  {
    ...{ sessionId: t.String(), principalId: t.String(), sessionName: t.String(), sourceIdentity: textOrNull },
    state: t.Union(states.map((state) => t.Literal(state))),
    issuedBy: t.String({ description: "The access key, or the user or role" }),
    ...{ mfa: t.Boolean(), address: t.String(), agent: t.String(), issuedAt: timeText, expiresAt: timeText },
  },
  { $id: "StsSession", ...strict },
);
const revoked = t.Object({ principalId: t.String(), before: timeText }, { $id: "Revocation", ...strict });

const revocation = t.Object({ principalId, before: t.Optional(momentText) }, strict);

/**
 * `/api/v1/sts-sessions`: the temporary credentials of the caller's tenant that have not ended by themselves; revoke one, or all
 * that a user or role got before a time. Global administrators reach those of another tenant below `/api/v1/tenants/{tenant}`.
 */
export function stsSessionRoutes(options: StsSessionRoutesOptions) {
  const app = new Elysia({ normalize: false });
  for (const prefix of identityPrefixes) app.use(routesBelow(`${prefix}/sts-sessions`, options));
  return app;
}

function routesBelow(prefix: string, options: StsSessionRoutesOptions) {
  const { sessions } = options;
  return new Elysia({ prefix, normalize: false })
    .get(
      "/",
      async ({ query, request, params }) => {
        const { limit = defaultPage, cursor = "", q = "", sort, principalId } = query;
        const wanted = { limit, cursor, q, sort, ...(principalId !== undefined && { principalId }) };
        const actor = actorOf(options, { request, params });
        requireAction(options, { request, actor, arn: "*" }, "iam:ListAccessKeys");
        const { items, nextCursor } = await sessions.list(actor.tenantId, wanted);
        return { items: items.map(renderSession), nextCursor };
      },
      { query: page, detail: rule("iam:ListAccessKeys", pageAnswer(session)) },
    )
    .post(
      "/revoke",
      async ({ body, request, params }) => {
        const { caller, tenantId } = requireRevocation(options, { request, params }, body.principalId);
        const beforeMs = body.before === undefined ? undefined : parseMoment(body.before, "/before");
        const order = { principalId: body.principalId, beforeMs };
        const stored = await sessions.revokeBefore(tenantId, order, originOfCaller(caller));
        return { principalId: stored.revocationId, before: new Date(stored.beforeMs).toISOString() };
      },
      { body: revocation, detail: rule("iam:DeleteAccessKey", valueAnswer(revoked)) },
    )
    .delete(
      "/:id",
      async ({ params, request, set }) => {
        const actor = actorOf(options, { request, params });
        const ownerId = await sessions.ownerOf(actor.tenantId, params.id);
        if (findPrincipal(options, ownerId)?.tenantId === actor.tenantId)
          requireRevocation(options, { request, params }, ownerId);
        // Of somebody who is gone, or who entered from another tenant: he is none of this one's identities.
        else requireAction(options, { request, actor, arn: "*" }, "iam:DeleteAccessKey");
        await sessions.revoke(actor.tenantId, params.id, originOfCaller(actor.caller));
        set.status = 204;
      },
      { detail: rule("iam:DeleteAccessKey", doneAnswer) },
    );
}

/**
 * Asks whether the caller may end sessions of a user or role.
 * @throws ControlError NotFound, also for one of another tenant; Forbidden when policies say no, or the caller does not reach him
 */
function requireRevocation(options: StsSessionRoutesOptions, routed: RoutedRequest, principalId: string): Actor {
  const { publisher } = options;
  const { request } = routed;
  const actor = actorOf(options, routed);
  const principal = findPrincipal(options, principalId);
  if (principal?.tenantId !== actor.tenantId) throw new ControlError("NotFound");
  const accountId = publisher.entries("tenant").get(principal.tenantId)?.accountId ?? "";
  const arn = identityArn(accountId, "userId" in principal ? "user" : "role", principal);
  const values = identityValues(publisher, { ...principal, arn });
  requireAction(options, { request, actor, arn, values }, "iam:DeleteAccessKey");
  requireReach(publisher, actor, principal);
  return actor;
}

function findPrincipal({ publisher }: StsSessionRoutesOptions, id: string): UserEntry | RoleEntry | undefined {
  return publisher.entries("user").get(id) ?? publisher.entries("role").get(id);
}

function renderSession({ issuedAtMs, expiresAtMs, tenantId: _, lineage, ...rest }: ListedSession): object {
  return {
    ...rest,
    issuedBy: lineage[0] ?? rest.principalId,
    issuedAt: new Date(issuedAtMs).toISOString(),
    expiresAt: new Date(expiresAtMs).toISOString(),
  };
}
