import { Elysia, t } from "elysia";
import { renderEtag } from "../../http/entity-tag.ts";
import { doneAnswer, itemAnswer, madeAnswer, pageAnswer } from "../../http/route-answer.ts";
import { boundaryValue, editsAsked, identityValues, requestTagValues } from "../asked-edits.ts";
import { userSchema } from "../identity-answers.ts";
import {
  actorOf,
  editorOf,
  editRuleOf,
  type IdentityRoutesBase,
  identityPrefixes,
  nameText,
  pageQuery,
  pathText,
  policyText,
  type RoutedRequest,
  renderTime,
  requireAction,
  requireEdit,
  ruleOf,
  tagPairs,
  tagRecord,
  tagsRecord,
  wantedPage,
} from "../identity-routes.ts";
import type { Actor } from "../identity-work.ts";
import type { Users, UserView } from "./users.ts";

/** What the routes stand on. */
export interface UserRoutesOptions extends IdentityRoutesBase {
  readonly users: Users;
}

/** The part of an answer that is made before it. */
interface Headed {
  readonly headers: Record<string, string | number>;
}

const strict = { additionalProperties: false };
const newUser = t.Object(
  {
    name: nameText,
    path: t.Optional(pathText),
    tags: t.Optional(tagsRecord),
    boundary: t.Optional(policyText),
  },
  strict,
);
const userPatch = t.Object(
  {
    name: t.Optional(nameText),
    path: t.Optional(pathText),
    tags: t.Optional(tagsRecord),
    boundary: t.Optional(t.Union([policyText, t.Null()])),
  },
  strict,
);
const shown = itemAnswer(userSchema);

/** `users`: list, make, read, change, remove; `suspend`, `resume`, `global`. */
export function userRoutes(options: UserRoutesOptions) {
  const app = new Elysia({ normalize: false });
  for (const prefix of identityPrefixes) {
    app.use(collectionRoutes(`${prefix}/users`, options)).use(itemRoutes(`${prefix}/users`, options));
    app.use(stateRoutes(`${prefix}/users`, options));
  }
  return app;
}

function collectionRoutes(prefix: string, options: UserRoutesOptions) {
  const { users } = options;
  return new Elysia({ prefix, normalize: false })
    .get(
      "/",
      async ({ request, params, query }) => {
        const actor = actorOf(options, { request, params });
        requireAction(options, { request, actor, arn: "*" }, "iam:ListUsers");
        const { items, nextCursor } = await users.list(actor.tenantId, wantedPage(query));
        return { items: items.map(render), nextCursor };
      },
      { query: pageQuery, detail: ruleOf("users", "iam:ListUsers", pageAnswer(userSchema)) },
    )
    .post(
      "/",
      async ({ request, params, body, set }) => {
        const actor = actorOf(options, { request, params });
        const { tags, ...rest } = body;
        const values = { ...requestTagValues(tags), ...boundaryValue(options.publisher, body.boundary) };
        const question = { request, actor, arn: newArn(options, actor, body), values };
        requireAction(options, question, "iam:CreateUser");
        if (tags !== undefined && Object.keys(tags).length > 0) requireAction(options, question, "iam:TagUser");
        const view = await users.create(actor, { ...rest, ...(tags && { tags: tagPairs(tags) }) });
        set.status = 201;
        set.headers["location"] = `${new URL(request.url).pathname.replace(/\/$/, "")}/${view.userId}`;
        set.headers["etag"] = renderEtag(view.revision);
        return render(view);
      },
      { body: newUser, detail: ruleOf("users", "iam:CreateUser", madeAnswer(userSchema)) },
    );
}

function itemRoutes(prefix: string, options: UserRoutesOptions) {
  const { users } = options;
  return new Elysia({ prefix, normalize: false })
    .get(
      "/:id",
      async ({ request, params, set }) => {
        const actor = actorOf(options, { request, params });
        const view = await find(options, { request, params }, [actor, "iam:GetUser"]);
        set.headers["etag"] = renderEtag(view.revision);
        return render(view);
      },
      { detail: ruleOf("users", "iam:GetUser", shown) },
    )
    .patch(
      "/:id",
      async ({ request, params, body, set }) => {
        const actor = editorOf(options, { request, params });
        const identity = await users.get(actor.tenantId, params.id);
        requireEdit(options, { request, actor }, editsAsked(options.publisher, "User", { identity, patch: body }));
        const { tags, ...rest } = body;
        const view = await users.update(actor, params.id, { ...rest, ...(tags && { tags: tagPairs(tags) }) });
        set.headers["etag"] = renderEtag(view.revision);
        return render(view);
      },
      { body: userPatch, detail: editRuleOf("users", "iam:UpdateUser", shown) },
    )
    .delete(
      "/:id",
      async ({ request, params, set }) => {
        const actor = editorOf(options, { request, params });
        await find(options, { request, params }, [actor, "iam:DeleteUser"]);
        await users.remove(actor, params.id);
        set.status = 204;
      },
      { detail: editRuleOf("users", "iam:DeleteUser", doneAnswer) },
    );
}

function stateRoutes(prefix: string, options: UserRoutesOptions) {
  const { users } = options;
  // Suspending is urgent: no revision is asked for.
  const setStatus = async (routed: RoutedRequest, set: Headed, status: UserView["status"]) => {
    const actor = actorOf(options, routed);
    const { userId } = await find(options, routed, [actor, "iam:UpdateUser"]);
    const view = await users.setStatus(actor, userId, status);
    set.headers["etag"] = renderEtag(view.revision);
    return render(view);
  };
  return new Elysia({ prefix, normalize: false })
    .post("/:id/suspend", ({ request, params, set }) => setStatus({ request, params }, set, "suspended"), {
      detail: ruleOf("users", "iam:UpdateUser", shown),
    })
    .post("/:id/resume", ({ request, params, set }) => setStatus({ request, params }, set, "active"), {
      detail: ruleOf("users", "iam:UpdateUser", shown),
    })
    .put(
      "/:id/global",
      async ({ request, params, body, set }) => {
        const actor = editorOf(options, { request, params });
        await find(options, { request, params }, [actor, "maxiofs:SetGlobal"]);
        const view = await users.setGlobal(actor, params.id, body.global);
        set.headers["etag"] = renderEtag(view.revision);
        return render(view);
      },
      {
        body: t.Object({ global: t.Boolean() }, strict),
        detail: {
          tags: ["users"],
          action: "maxiofs:SetGlobal",
          scope: "G",
          freshProof: true,
          ifMatch: true,
          answer: shown,
        },
      },
    );
}

/** @throws ControlError NotFound, Forbidden */
async function find(
  options: UserRoutesOptions,
  { request, params }: RoutedRequest,
  [actor, action]: readonly [actor: Actor, action: string],
): Promise<UserView> {
  const view = await options.users.get(actor.tenantId, params?.["id"] ?? "");
  const values = identityValues(options.publisher, view);
  requireAction(options, { request, actor, arn: view.arn, values }, action);
  return view;
}

function newArn({ publisher }: UserRoutesOptions, { tenantId }: Actor, user: { name: string; path?: string }): string {
  const accountId = publisher.entries("tenant").get(tenantId)?.accountId ?? "";
  return `arn:aws:iam::${accountId}:user${user.path ?? "/"}${user.name}`;
}

function render({ tags, inlinePolicies, createdAtMs, ...rest }: UserView): object {
  return {
    ...rest,
    tags: tagRecord(tags),
    inlinePolicies: inlinePolicies.map(({ name }) => name),
    createdAt: renderTime(createdAtMs),
  };
}
