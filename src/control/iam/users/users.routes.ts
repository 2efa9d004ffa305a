import { Elysia, t } from "elysia";
import { identityArn } from "#kernel/policy/identity-arn.ts";
import { itemAnswer, madeAnswer } from "../../http/route-answer.ts";
import { boundaryValue, editsAsked, identityValues, requestTagValues } from "../asked-edits.ts";
import { userSchema } from "../identity-answers.ts";
import {
  actorOf,
  editorOf,
  editRuleOf,
  type IdentityRoutesBase,
  identityPrefixes,
  nameText,
  pathText,
  policyText,
  type RoutedRequest,
  requireAction,
  requireEdit,
  ruleOf,
  tagPairs,
  tagRecord,
  tagsRecord,
} from "../identity-routes.ts";
import { type AnswerHead, accountOf, type IdentityKind, KindRoutes, renderHolder } from "../kind.routes.ts";
import type { Users, UserView } from "./users.ts";

/** What the routes stand on. */
export interface UserRoutesOptions extends IdentityRoutesBase {
  readonly users: Users;
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
  const kind = new KindRoutes(options, kindOf(options));
  const app = new Elysia({ normalize: false });
  for (const prefix of identityPrefixes) {
    app.use(kind.below(prefix)).use(editRoutes(`${prefix}/users`, options, kind));
    app.use(stateRoutes(`${prefix}/users`, options, kind));
  }
  return app;
}

function kindOf({ users, publisher }: UserRoutesOptions): IdentityKind<UserView> {
  return {
    segment: "users",
    nouns: ["User", "Users"],
    schema: userSchema,
    service: users,
    idOf: ({ userId }) => userId,
    askedOf: (view) => ({ arn: view.arn, values: identityValues(publisher, view) }),
    render: ({ tags, ...rest }) => ({ ...renderHolder(rest), tags: tagRecord(tags) }),
  };
}

function editRoutes(prefix: string, options: UserRoutesOptions, kind: KindRoutes<UserView>) {
  const { users } = options;
  return new Elysia({ prefix, normalize: false })
    .post(
      "/",
      async ({ request, params, body, set }) => {
        const actor = actorOf(options, { request, params });
        const { tags, ...rest } = body;
        const values = { ...requestTagValues(tags), ...boundaryValue(options.publisher, body.boundary) };
        const arn = identityArn(accountOf(options, actor), "user", { path: "/", ...body });
        const question = { request, actor, arn, values };
        requireAction(options, question, "iam:CreateUser");
        if (tags !== undefined && Object.keys(tags).length > 0) requireAction(options, question, "iam:TagUser");
        const view = await users.create(actor, { ...rest, ...(tags && { tags: tagPairs(tags) }) });
        return kind.showMade({ request, set }, view);
      },
      { body: newUser, detail: ruleOf("users", "iam:CreateUser", madeAnswer(userSchema)) },
    )
    .patch(
      "/:id",
      async ({ request, params, body, set }) => {
        const actor = editorOf(options, { request, params });
        const identity = await users.get(actor.tenantId, params.id);
        requireEdit(options, { request, actor }, editsAsked(options.publisher, "User", { identity, patch: body }));
        const { tags, ...rest } = body;
        return kind.show(set, await users.update(actor, params.id, { ...rest, ...(tags && { tags: tagPairs(tags) }) }));
      },
      { body: userPatch, detail: editRuleOf("users", "iam:UpdateUser", shown) },
    );
}

function stateRoutes(prefix: string, options: UserRoutesOptions, kind: KindRoutes<UserView>) {
  const { users } = options;
  // Suspending is urgent: no revision is asked for.
  const setStatus = async (routed: RoutedRequest, set: AnswerHead, status: UserView["status"]) => {
    const actor = actorOf(options, routed);
    const { userId } = await kind.find(routed, [actor, "iam:UpdateUser"]);
    return kind.show(set, await users.setStatus(actor, userId, status));
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
        await kind.find({ request, params }, [actor, "maxiofs:SetGlobal"]);
        return kind.show(set, await users.setGlobal(actor, params.id, body.global));
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
