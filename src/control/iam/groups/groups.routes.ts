import { Elysia, t } from "elysia";
import { identityArn } from "#kernel/policy/identity-arn.ts";
import { renderEtag } from "../../http/entity-tag.ts";
import { editedAnswer, itemAnswer, madeAnswer, pageAnswer } from "../../http/route-answer.ts";
import { editsAsked } from "../asked-edits.ts";
import { groupSchema, memberSchema } from "../identity-answers.ts";
import {
  actorOf,
  editorOf,
  editRuleOf,
  type IdentityRoutesBase,
  identityPrefixes,
  longNameText,
  pathText,
  requireAction,
  requireEdit,
  ruleOf,
} from "../identity-routes.ts";
import { accountOf, type IdentityKind, KindRoutes, renderHolder } from "../kind.routes.ts";
import type { Groups, GroupView } from "./groups.ts";

/** What the routes stand on. */
export interface GroupRoutesOptions extends IdentityRoutesBase {
  readonly groups: Groups;
}

const strict = { additionalProperties: false };
const newGroup = t.Object({ name: longNameText, path: t.Optional(pathText) }, strict);
const groupPatch = t.Object({ name: t.Optional(longNameText), path: t.Optional(pathText) }, strict);

/** `groups`: list, make, read, change, remove; `members`. */
export function groupRoutes(options: GroupRoutesOptions) {
  const kind = new KindRoutes(options, kindOf(options));
  const app = new Elysia({ normalize: false });
  for (const prefix of identityPrefixes) {
    app.use(kind.below(prefix)).use(editRoutes(`${prefix}/groups`, options, kind));
    app.use(memberRoutes(`${prefix}/groups`, options, kind));
  }
  return app;
}

function kindOf({ groups }: GroupRoutesOptions): IdentityKind<GroupView> {
  return {
    segment: "groups",
    nouns: ["Group", "Groups"],
    schema: groupSchema,
    service: groups,
    idOf: ({ groupId }) => groupId,
    askedOf: ({ arn }) => ({ arn }),
    render: renderHolder,
  };
}

function editRoutes(prefix: string, options: GroupRoutesOptions, kind: KindRoutes<GroupView>) {
  const { groups } = options;
  return new Elysia({ prefix, normalize: false })
    .post(
      "/",
      async ({ request, params, body, set }) => {
        const actor = actorOf(options, { request, params });
        const { name, path = "/" } = body;
        requireAction(
          options,
          { request, actor, arn: identityArn(accountOf(options, actor), "group", { path, name }) },
          "iam:CreateGroup",
        );
        return kind.showMade({ request, set }, await groups.create(actor, { name, path }));
      },
      { body: newGroup, detail: ruleOf("groups", "iam:CreateGroup", madeAnswer(groupSchema)) },
    )
    .patch(
      "/:id",
      async ({ request, params, body, set }) => {
        const actor = editorOf(options, { request, params });
        const identity = await groups.get(actor.tenantId, params.id);
        requireEdit(options, { request, actor }, editsAsked(options.publisher, "Group", { identity, patch: body }));
        return kind.show(set, await groups.update(actor, params.id, body));
      },
      { body: groupPatch, detail: editRuleOf("groups", "iam:UpdateGroup", itemAnswer(groupSchema)) },
    );
}

function memberRoutes(prefix: string, options: GroupRoutesOptions, kind: KindRoutes<GroupView>) {
  const { groups } = options;
  return new Elysia({ prefix, normalize: false })
    .get(
      "/:id/members",
      async ({ request, params, set }) => {
        const actor = actorOf(options, { request, params });
        const { revision } = await kind.find({ request, params }, [actor, "iam:GetGroup"]);
        const ids = await groups.members(actor.tenantId, params.id);
        set.headers["etag"] = renderEtag(revision);
        const users = options.publisher.entries("user");
        return { items: ids.map((userId) => ({ userId, name: users.get(userId)?.name ?? "" })), nextCursor: null };
      },
      { detail: ruleOf("groups", "iam:GetGroup", { ...pageAnswer(memberSchema), headers: ["ETag"] }) },
    )
    .put(
      "/:id/members/:user",
      async ({ request, params, set }) => {
        const actor = editorOf(options, { request, params });
        await kind.find({ request, params }, [actor, "iam:AddUserToGroup"]);
        const revision = await groups.addMember(actor, params.id, params.user);
        set.headers["etag"] = renderEtag(revision);
        set.status = 204;
      },
      { detail: editRuleOf("groups", "iam:AddUserToGroup", editedAnswer) },
    )
    .delete(
      "/:id/members/:user",
      async ({ request, params, set }) => {
        const actor = editorOf(options, { request, params });
        await kind.find({ request, params }, [actor, "iam:RemoveUserFromGroup"]);
        const revision = await groups.removeMember(actor, params.id, params.user);
        set.headers["etag"] = renderEtag(revision);
        set.status = 204;
      },
      { detail: editRuleOf("groups", "iam:RemoveUserFromGroup", editedAnswer) },
    );
}
