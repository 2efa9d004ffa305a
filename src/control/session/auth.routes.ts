import { Elysia, t } from "elysia";
import { ControlError } from "../http/control-error.ts";
import { doneAnswer } from "../http/route-answer.ts";
import { defaultTenantSlug, tenantSlugPattern } from "../tenants/ensure-tenant.ts";
import type { Guard } from "./guard.ts";
import type { LogIn, LogInResult } from "./log-in.ts";
import type { GivenProof, OwnLogin, SessionUser } from "./own-login.ts";
import { renderSession } from "./render-session.ts";
import { logInAnswer, methodsAnswer, sessionAnswer } from "./session-answers.ts";
import type { SessionSettings } from "./session-settings.ts";
import { sourceOf } from "./source-of-request.ts";

const strict = { additionalProperties: false };
const password = t.String({ minLength: 1, maxLength: 1024 });
const code = t.String({ minLength: 1, maxLength: 64 });
const proof = t.Object({ password: t.Optional(password), code: t.Optional(code) }, strict);
const own = { tags: ["auth"], action: "-", scope: "O" };
const open = { tags: ["auth"] };

/** What the routes stand on. */
export interface AuthRoutesOptions {
  readonly guard: Guard;
  readonly logIn: LogIn;
  readonly ownLogin: OwnLogin;
  readonly settings: () => SessionSettings;
}

/** Routes that need no session. */
export const publicAuthPaths: readonly string[] = ["login", "second-factor", "methods"].map(
  (name) => `/api/v1/auth/${name}`,
);

/**
 * `/api/v1/auth`: log-in in one or two steps, log-out, lock, unlock, proof again, the session as it is. Answers that open a
 * session or change its id set the cookie; the session's CSRF token is in the answer.
 */
export function authRoutes(options: AuthRoutesOptions) {
  return new Elysia({ prefix: "/api/v1/auth", normalize: false })
    .use(logInRoutes(options))
    .use(ownSessionRoutes(options));
}

function logInRoutes({ guard, logIn, settings }: AuthRoutesOptions) {
  const answer = (request: Request, result: LogInResult) => {
    if (result.kind === "challenge") return { challengeId: result.challengeId, methods: result.methods };
    const { opened, account } = result;
    guard.sendCookie(request, opened.id);
    const user = guard.describeLogIn(request, { account, session: opened.session });
    return renderSession(user, { guard, settings: settings() });
  };
  return new Elysia({ normalize: false })
    .get("/methods", () => ({ password: true, secondFactors: ["totp", "recoveryCode"] }), {
      detail: { ...open, answer: methodsAnswer },
    })
    .post(
      "/login",
      async ({ body, request }) => {
        guard.requireOwnOrigin(request);
        const { tenant = defaultTenantSlug, username, password: text } = body;
        const given = { tenant, userName: username, password: text };
        return answer(request, await logIn.withPassword(given, sourceOf(request)));
      },
      {
        body: t.Object(
          {
            tenant: t.Optional(t.String({ pattern: tenantSlugPattern.source })),
            username: t.String({ minLength: 1, maxLength: 64 }),
            password,
          },
          strict,
        ),
        detail: { ...open, answer: logInAnswer },
      },
    )
    .post(
      "/second-factor",
      async ({ body, request }) => {
        guard.requireOwnOrigin(request);
        return answer(request, await logIn.withCode(body.challengeId, readCode(body), sourceOf(request)));
      },
      {
        body: t.Object(
          { challengeId: t.String({ maxLength: 64 }), code: t.Optional(code), recoveryCode: t.Optional(code) },
          strict,
        ),
        detail: { ...open, answer: logInAnswer },
      },
    );
}

function ownSessionRoutes({ guard, ownLogin, settings }: AuthRoutesOptions) {
  const show = (user: SessionUser) => renderSession(user, { guard, settings: settings() });
  const prove = async (request: Request, given: GivenProof, action: "auth:Confirm" | "auth:Unlock") => {
    const { account, ...user } = guard.requireSession(request);
    const { id, session } = await ownLogin.prove({ account, ...user }, given, action);
    guard.sendCookie(request, id);
    return show(guard.describeLogIn(request, { account, session }));
  };
  return new Elysia({ normalize: false })
    .get("/session", ({ request }) => show(guard.requireSession(request)), {
      detail: { ...own, answer: sessionAnswer },
    })
    .post(
      "/logout",
      async ({ request, set }) => {
        await ownLogin.logOut(guard.requireSession(request));
        guard.sendCookie(request, "");
        set.status = 204;
      },
      { detail: { ...own, answer: doneAnswer } },
    )
    .post(
      "/lock",
      async ({ request, set }) => {
        await ownLogin.lock(guard.requireSession(request));
        set.status = 204;
      },
      { detail: { ...own, answer: doneAnswer } },
    )
    .post("/unlock", ({ body, request }) => prove(request, { kind: "password", ...body }, "auth:Unlock"), {
      body: t.Object({ password }, strict),
      detail: { ...own, answer: sessionAnswer },
    })
    .post(
      "/confirm",
      ({ body, request }) => {
        if (guard.requireSession(request).session.locked) throw new ControlError("SessionLocked");
        return prove(request, readProof(body), "auth:Confirm");
      },
      { body: proof, detail: { ...own, answer: sessionAnswer } },
    );
}

function readCode({ code: totp, recoveryCode }: { readonly code?: string; readonly recoveryCode?: string }) {
  if (totp !== undefined && recoveryCode === undefined) return { kind: "totp", code: totp } as const;
  if (recoveryCode !== undefined && totp === undefined) return { kind: "recoveryCode", code: recoveryCode } as const;
  throw new ControlError("InvalidRequest", "Either a code or a recovery code is wanted");
}

function readProof({ password: text, code: totp }: { readonly password?: string; readonly code?: string }): GivenProof {
  if (text !== undefined && totp === undefined) return { kind: "password", password: text };
  if (totp !== undefined && text === undefined) return { kind: "totp", code: totp };
  throw new ControlError("InvalidRequest", "Either a password or a code is wanted");
}
