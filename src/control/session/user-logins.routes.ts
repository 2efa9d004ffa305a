import { Elysia } from "elysia";
import { originOfCaller } from "../audit/origin-of-caller.ts";
import { ControlError, RefusedError } from "../http/control-error.ts";
import { doneAnswer, pageAnswer, type RouteAnswer } from "../http/route-answer.ts";
import { identityValues } from "../iam/asked-edits.ts";
import { actorOf, identityPrefixes, type RoutedRequest, requireAction, ruleOf } from "../iam/identity-routes.ts";
import { requireReach } from "../iam/users/reach.ts";
import type { SnapshotPublisher } from "../snapshot/publisher.ts";
import type { Account } from "./account-store.ts";
import type { Guard } from "./guard.ts";
import { userArnOf } from "./log-in-audit.ts";
import { type LoginAdministration, oneTimePasswordMs } from "./login-administration.ts";
import type { OwnSessions } from "./own-sessions.ts";
import { renderListedSession, renderTime } from "./render-session.ts";
import { listedSessionSchema, oneTimePasswordAnswer, revokedAnswer } from "./session-answers.ts";

const rule = (action: string, answer: RouteAnswer = doneAnswer) => ruleOf("users", action, answer);
const freshRule = (action: string, answer?: RouteAnswer) => ({ ...rule(action, answer), freshProof: true });
const sessionsAction = "maxiofs:ManageSessions";

/** What the routes stand on. */
export interface UserLoginRoutesOptions {
  readonly guard: Guard;
  readonly administration: LoginAdministration;
  readonly ownSessions: OwnSessions;
  readonly publisher: Pick<SnapshotPublisher, "entries">;
}

/**
 * `/api/v1/users/{id}/...`: help for users who cannot log in, and an end to their sessions: `sessions`, `unlock`, `password-reset`,
 * `second-factors`; global administrators reach those of a tenant below `/api/v1/tenants/{tenant}`. A user of another tenant is
 * not there; only global administrators touch their like.
 */
export function userLoginRoutes(options: UserLoginRoutesOptions) {
  const app = new Elysia({ normalize: false });
  for (const prefix of identityPrefixes)
    app.use(userSessionRoutes(`${prefix}/users`, options)).use(rescueRoutes(`${prefix}/users`, options));
  return app;
}

function userSessionRoutes(prefix: string, options: UserLoginRoutesOptions) {
  const { guard, administration, ownSessions } = options;
  return new Elysia({ prefix, normalize: false })
    .get(
      "/:id/sessions",
      async ({ params, request }) => {
        const { userId } = await findUser(options, { request, params }, sessionsAction);
        const own = guard.requireUser(request).session?.sessionId;
        const sessions = await ownSessions.list(userId);
        return { items: sessions.map((session) => renderListedSession(session, own)), nextCursor: null };
      },
      { detail: rule(sessionsAction, pageAnswer(listedSessionSchema)) },
    )
    .delete(
      "/:id/sessions",
      async ({ params, request }) => {
        const account = await findUser(options, { request, params }, sessionsAction);
        return { revoked: await administration.revokeSessions(account, originOf(guard, request)) };
      },
      { detail: rule(sessionsAction, revokedAnswer) },
    )
    .delete(
      "/:id/sessions/:sessionId",
      async ({ params, request, set }) => {
        const { userId, tenantId } = await findUser(options, { request, params }, sessionsAction);
        const event = { tenantId, ...originOf(guard, request), action: sessionsAction, outcome: "success" } as const;
        await ownSessions.revoke(userId, params.sessionId, event);
        set.status = 204;
      },
      { detail: rule(sessionsAction) },
    );
}

function rescueRoutes(prefix: string, options: UserLoginRoutesOptions) {
  const { guard, administration } = options;
  return new Elysia({ prefix, normalize: false })
    .post(
      "/:id/unlock",
      async ({ params, request, set }) => {
        const account = await findUser(options, { request, params }, "maxiofs:UnlockUser");
        await administration.unlock(account, originOf(guard, request));
        set.status = 204;
      },
      { detail: rule("maxiofs:UnlockUser") },
    )
    .post(
      "/:id/password-reset",
      async ({ params, request, set }) => {
        const account = await findUser(options, { request, params }, "iam:UpdateLoginProfile");
        const { password, setAtMs } = await administration.resetPassword(account, originOf(guard, request));
        set.headers["cache-control"] = "no-store";
        return { password, expiresAt: renderTime(setAtMs + oneTimePasswordMs) };
      },
      { detail: freshRule("iam:UpdateLoginProfile", oneTimePasswordAnswer) },
    )
    .delete(
      "/:id/second-factors",
      async ({ params, request, set }) => {
        const account = await findUser(options, { request, params }, "iam:DeactivateMFADevice");
        await administration.disableSecondFactor(account, originOf(guard, request));
        set.status = 204;
      },
      { detail: freshRule("iam:DeactivateMFADevice") },
    );
}

/**
 * The user whom the caller may do this to.
 * @throws ControlError NotFound also for one of another tenant; Forbidden when policies say no, the user is a global administrator
 * and the caller is not, or the caller's boundary is not the user's.
 */
async function findUser(
  options: UserLoginRoutesOptions,
  routed: RoutedRequest & { readonly params: { readonly id: string } },
  action: string,
): Promise<Account> {
  const { administration, publisher } = options;
  const { request, params } = routed;
  const actor = actorOf(options, routed);
  const account = await administration.findById(params.id);
  if (account.tenantId !== actor.tenantId) throw new ControlError("NotFound", "There is no such user");
  if (account.global && !actor.caller.global) throw new RefusedError(action);
  const user = publisher.entries("user").get(params.id);
  if (user === undefined) throw new ControlError("NotFound", "There is no such user");
  const arn = userArnOf(account);
  requireAction(options, { request, actor, arn, values: identityValues(publisher, { ...user, arn }) }, action);
  if (request.method !== "GET") requireReach(publisher, actor, user);
  return account;
}

function originOf(guard: Guard, request: Request) {
  return originOfCaller(guard.requireUser(request).caller);
}
