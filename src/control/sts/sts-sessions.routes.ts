import { Elysia, t } from "elysia";
import { originOfCaller } from "../audit/origin-of-caller.ts";
import type { Caller } from "../http/caller.ts";
import { doneAnswer, pageAnswer, type RouteAnswer, textOrNull, timeText, valueAnswer } from "../http/route-answer.ts";
import { momentText, parseMoment } from "../http/time-text.ts";
import type { ListedSession, StsSessions } from "./sts-sessions.ts";

const strict = { additionalProperties: false };
const maxPage = 1000;
const defaultPage = 50;
const principalId = t.String({ pattern: "^A(?:IDA|ROA)[A-Z0-9]{12,32}$" });

const page = t.Object(
  {
    limit: t.Optional(t.Integer({ minimum: 1, maximum: maxPage })),
    cursor: t.Optional(t.String({ maxLength: 128 })),
    principalId: t.Optional(principalId),
  },
  strict,
);

const rule = (action: string, answer: RouteAnswer) => ({ tags: ["sts-sessions"], action, scope: "T", answer });
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
 * that a user or role got before a time.
 */
export function stsSessionRoutes(sessions: StsSessions, callerOf: (request: Request) => Caller) {
  return new Elysia({ prefix: "/api/v1/sts-sessions", normalize: false })
    .get(
      "/",
      async ({ query, request }) => {
        const { limit = defaultPage, cursor: after = "", principalId } = query;
        const wanted = { limit: limit + 1, after, ...(principalId !== undefined && { principalId }) };
        const found = await sessions.list(callerOf(request).tenantId, wanted);
        const items = found.slice(0, limit);
        const nextCursor = found.length > items.length ? (items.at(-1)?.sessionId ?? null) : null;
        return { items: items.map(renderSession), nextCursor };
      },
      { query: page, detail: rule("iam:ListAccessKeys", pageAnswer(session)) },
    )
    .post(
      "/revoke",
      async ({ body, request }) => {
        const caller = callerOf(request);
        const beforeMs = body.before === undefined ? undefined : parseMoment(body.before, "/before");
        const order = { principalId: body.principalId, beforeMs };
        const stored = await sessions.revokeBefore(caller.tenantId, order, originOfCaller(caller));
        return { principalId: stored.revocationId, before: new Date(stored.beforeMs).toISOString() };
      },
      { body: revocation, detail: rule("iam:DeleteAccessKey", valueAnswer(revoked)) },
    )
    .delete(
      "/:id",
      async ({ params, request, set }) => {
        const caller = callerOf(request);
        await sessions.revoke(caller.tenantId, params.id, originOfCaller(caller));
        set.status = 204;
      },
      { detail: rule("iam:DeleteAccessKey", doneAnswer) },
    );
}

function renderSession({ issuedAtMs, expiresAtMs, tenantId: _, lineage, ...rest }: ListedSession): object {
  return {
    ...rest,
    issuedBy: lineage[0] ?? rest.principalId,
    issuedAt: new Date(issuedAtMs).toISOString(),
    expiresAt: new Date(expiresAtMs).toISOString(),
  };
}
