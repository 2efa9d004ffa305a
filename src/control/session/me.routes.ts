import { Elysia, t } from "elysia";
import { ControlError } from "../http/control-error.ts";
import { doneAnswer, pageAnswer, type RouteAnswer } from "../http/route-answer.ts";
import type { RouteRule } from "../http/route-rule.ts";
import { wholeNumber } from "../http/whole-number.ts";
import { documentText } from "../iam/identity-routes.ts";
import type { ApiTokens } from "./api-tokens.ts";
import type { Guard } from "./guard.ts";
import { describeCall } from "./log-in-audit.ts";
import type { OwnLogin } from "./own-login.ts";
import type { OwnSessions } from "./own-sessions.ts";
import { renderListedSession, renderTime } from "./render-session.ts";
import {
  listedSessionSchema,
  madeTokenAnswer,
  meAnswer,
  recoveryCodesAnswer,
  revokedAnswer,
  rightSchema,
  tokenSchema,
  totpAnswer,
} from "./session-answers.ts";
import type { OpenedSession } from "./sessions.ts";
import type { TokenRow } from "./token-store.ts";

const strict = { additionalProperties: false };
const rule = (action: string, answer: RouteAnswer = doneAnswer) => ({ tags: ["me"], action, scope: "O", answer });
const freshRule = (action: string, answer: RouteAnswer = doneAnswer) => ({ ...rule(action, answer), freshProof: true });

/** What the routes stand on. */
export interface MeRoutesOptions {
  readonly guard: Guard;
  readonly ownLogin: OwnLogin;
  readonly ownSessions: OwnSessions;
  readonly tokens: ApiTokens;
  /** Those of all routes; asked at each request. */
  readonly rules: () => readonly RouteRule[];
}

/** `/api/v1/me`: who calls, what he may do, the own password, second factor, sessions and API tokens. */
export function meRoutes(options: MeRoutesOptions) {
  return new Elysia({ prefix: "/api/v1/me", normalize: false })
    .use(loginRoutes(options))
    .use(rightRoutes(options))
    .use(sessionRoutes(options))
    .use(tokenRoutes(options));
}

function rightRoutes({ guard, rules }: MeRoutesOptions) {
  return new Elysia({ normalize: false }).get(
    "/permissions",
    ({ request }) => ({ items: guard.describeRights(request, rules()), nextCursor: null }),
    { detail: rule("iam:GetUser", pageAnswer(rightSchema)) },
  );
}

function loginRoutes({ guard, ownLogin }: MeRoutesOptions) {
  const renew = (request: Request, opened: OpenedSession | undefined) => {
    if (opened !== undefined) guard.sendCookie(request, opened.id);
  };
  return new Elysia({ normalize: false })
    .get(
      "/",
      async ({ request }) => {
        const { account, caller } = guard.requireUser(request);
        const { userId, userName, tenantId, tenantSlug: tenant, accountId, global, totpEnabled } = account;
        const recoveryCodesLeft = await ownLogin.countRecoveryCodes(account);
        const { via, mfa, freshProof } = caller;
        return {
          ...{ userId, userName, tenantId, tenant, accountId, global, via, mfa, freshProof },
          secondFactor: { totp: totpEnabled, recoveryCodesLeft },
        };
      },
      { detail: rule("iam:GetUser", meAnswer) },
    )
    .post(
      "/password",
      async ({ body, request, set }) => {
        renew(request, await ownLogin.changePassword(guard.requireUser(request), body.password));
        set.status = 204;
      },
      {
        body: t.Object({ password: t.String({ minLength: 1, maxLength: 1024 }) }, strict),
        detail: { ...freshRule("iam:ChangePassword"), serves: "passwordChange" },
      },
    )
    .post(
      "/totp",
      ({ request, set }) => {
        set.status = 201;
        return ownLogin.beginTotp(guard.requireUser(request));
      },
      { detail: { ...freshRule("iam:CreateVirtualMFADevice", totpAnswer), serves: "enrolment" } },
    )
    .post(
      "/totp/enable",
      async ({ body, request }) => {
        const { codes, opened } = await ownLogin.enableTotp(guard.requireUser(request), body.code);
        renew(request, opened);
        return { recoveryCodes: codes };
      },
      {
        body: t.Object({ code: t.String({ minLength: 1, maxLength: 64 }) }, strict),
        detail: { ...freshRule("iam:EnableMFADevice", recoveryCodesAnswer), serves: "enrolment" },
      },
    )
    .delete(
      "/totp",
      async ({ request, set }) => {
        await ownLogin.removeTotp(guard.requireUser(request));
        set.status = 204;
      },
      { detail: freshRule("iam:DeactivateMFADevice") },
    )
    .post(
      "/recovery-codes",
      async ({ request, set }) => {
        set.status = 201;
        return { recoveryCodes: await ownLogin.renewRecoveryCodes(guard.requireUser(request)) };
      },
      { detail: freshRule("iam:ResyncMFADevice", { ...recoveryCodesAnswer, status: 201 }) },
    );
}

function sessionRoutes({ guard, ownSessions }: MeRoutesOptions) {
  const action = "maxiofs:ManageSessions";
  return new Elysia({ prefix: "/sessions", normalize: false })
    .get(
      "/",
      async ({ request }) => {
        const { account, session } = guard.requireUser(request);
        const sessions = await ownSessions.list(account.userId);
        return { items: sessions.map((each) => renderListedSession(each, session?.sessionId)), nextCursor: null };
      },
      { detail: rule(action, pageAnswer(listedSessionSchema)) },
    )
    .delete(
      "/:id",
      async ({ params, request, set }) => {
        const { account, caller } = guard.requireUser(request);
        const event = describeCall(caller, { action, outcome: "success" });
        await ownSessions.revoke(account.userId, params.id, event);
        set.status = 204;
      },
      { detail: rule(action) },
    )
    .delete(
      "/",
      async ({ request }) => {
        const { account, session, caller } = guard.requireUser(request);
        const event = describeCall(caller, { action, outcome: "success" });
        return { revoked: await ownSessions.revokeOthers(account.userId, session?.sessionId, event) };
      },
      { detail: rule(action, revokedAnswer) },
    );
}

function tokenRoutes({ guard, tokens }: MeRoutesOptions) {
  return new Elysia({ prefix: "/tokens", normalize: false })
    .get(
      "/",
      async ({ request }) => {
        const items = await tokens.list(guard.requireUser(request).account.userId);
        return { items: items.map(renderToken), nextCursor: null };
      },
      { detail: rule("iam:ListAccessKeys", pageAnswer(tokenSchema)) },
    )
    .post(
      "/",
      async ({ body, request, set }) => {
        const { account, caller } = guard.requireUser(request);
        // A token's own token would outlive its revocation.
        if (caller.via === "token") throw new ControlError("Forbidden", "An API token makes no other tokens");
        const event = describeCall(caller, { action: "iam:CreateAccessKey", outcome: "success" });
        const { row, token } = await tokens.create({ userId: account.userId, ...body }, event);
        set.status = 201;
        set.headers["location"] = `/api/v1/me/tokens/${row.tokenId}`;
        set.headers["cache-control"] = "no-store";
        return { ...renderToken(row), token };
      },
      {
        body: t.Object(
          {
            name: t.String({ minLength: 1, maxLength: 64, pattern: "^[^\\u0000-\\u001f\\u007f]*$" }),
            days: t.Optional(wholeNumber({ minimum: 1, maximum: 36_500 })),
            policy: t.Optional(documentText),
          },
          strict,
        ),
        detail: rule("iam:CreateAccessKey", madeTokenAnswer),
      },
    )
    .delete(
      "/:id",
      async ({ params, request, set }) => {
        const { account, caller } = guard.requireUser(request);
        const event = describeCall(caller, { action: "iam:DeleteAccessKey", outcome: "success" });
        await tokens.revoke(account.userId, params.id, event);
        set.status = 204;
      },
      { detail: rule("iam:DeleteAccessKey") },
    );
}

function renderToken({ tokenId, name, policy, createdAtMs, expiresAtMs }: TokenRow) {
  return {
    ...{ tokenId, name, policy: policy ?? null },
    createdAt: renderTime(createdAtMs),
    expiresAt: renderTime(expiresAtMs),
  };
}
