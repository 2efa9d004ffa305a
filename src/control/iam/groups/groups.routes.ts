import { Elysia, t } from "elysia";
import { renderEtag } from "../../http/entity-tag.ts";
import { doneAnswer, editedAnswer, itemAnswer, madeAnswer, pageAnswer } from "../../http/route-answer.ts";
import { editsAsked } from "../asked-edits.ts";
import { groupSchema, memberSchema } from "../identity-answers.ts";
import {
  actorOf,
  editorOf,
  editRuleOf,
  type IdentityRoutesBase,
  identityPrefixes,
  longNameText,
  pageQuery,
  pathText,
  type RoutedRequest,
  renderTime,
  requireAction,
  requireEdit,
  ruleOf,
  wantedPage,
} from "../identity-routes.ts";
import type { Actor } from "../identity-work.ts";
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
  const app = new Elysia({ normalize: false });
  for (const prefix of identityPrefixes) {
    app.use(collectionRoutes(`${prefix}/groups`, options)).use(itemRoutes(`${prefix}/groups`, options));
    app.use(memberRoutes(`${prefix}/groups`, options));
  }
  return app;
}

function collectionRoutes(prefix: string, options: GroupRoutesOptions) {
  const { groups } = options;
  return new Elysia({ prefix, normalize: false })
    .get(
      "/",
      async ({ request, params, query }) => {
        const actor = actorOf(options, { request, params });
        requireAction(options, { request, actor, arn: "*" }, "iam:ListGroups");
        const { items, nextCursor } = await groups.list(actor.tenantId, wantedPage(query));
        return { items: items.map(render), nextCursor };
      },
      { query: pageQuery, detail: ruleOf("groups", "iam:ListGroups", pageAnswer(groupSchema)) },
    )
    .post(
      "/",
      async ({ request, params, body, set }) => {
        const actor = actorOf(options, { request, params });
        const { name, path = "/" } = body;
        const accountId = options.publisher.entries("tenant").get(actor.tenantId)?.accountId ?? "";
        const arn = `arn:aws:iam::${accountId}:group${path}${name}`;
        requireAction(options, { request, actor, arn }, "iam:CreateGroup");
        const view = await groups.create(actor, { name, path });
        set.status = 201;
        set.headers["location"] = `${new URL(request.url).pathname.replace(/\/$/, "")}/${view.groupId}`;
        set.headers["etag"] = renderEtag(view.revision);
        return render(view);
      },
      { body: newGroup, detail: ruleOf("groups", "iam:CreateGroup", madeAnswer(groupSchema)) },
    );
}

function itemRoutes(prefix: string, options: GroupRoutesOptions) {
  const { groups } = options;
  return new Elysia({ prefix, normalize: false })
    .get(
      "/:id",
      async ({ request, params, set }) => {
        const actor = actorOf(options, { request, params });
        const view = await find(options, { request, params }, [actor, "iam:GetGroup"]);
        set.headers["etag"] = renderEtag(view.revision);
        return render(view);
      },
      { detail: ruleOf("groups", "iam:GetGroup", itemAnswer(groupSchema)) },
    )
    .patch(
      "/:id",
      async ({ request, params, body, set }) => {
        const actor = editorOf(options, { request, params });
        const identity = await groups.get(actor.tenantId, params.id);
        requireEdit(options, { request, actor }, editsAsked(options.publisher, "Group", { identity, patch: body }));
        const view = await groups.update(actor, params.id, body);
        set.headers["etag"] = renderEtag(view.revision);
        return render(view);
      },
      { body: groupPatch, detail: editRuleOf("groups", "iam:UpdateGroup", itemAnswer(groupSchema)) },
    )
    .delete(
      "/:id",
      async ({ request, params, set }) => {
        const actor = editorOf(options, { request, params });
        await find(options, { request, params }, [actor, "iam:DeleteGroup"]);
        await groups.remove(actor, params.id);
        set.status = 204;
      },
      { detail: editRuleOf("groups", "iam:DeleteGroup", doneAnswer) },
    );
}

function memberRoutes(prefix: string, options: GroupRoutesOptions) {
  const { groups } = options;
  return new Elysia({ prefix, normalize: false })
    .get(
      "/:id/members",
      async ({ request, params, set }) => {
        const actor = actorOf(options, { request, params });
        const { revision } = await find(options, { request, params }, [actor, "iam:GetGroup"]);
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
        await find(options, { request, params }, [actor, "iam:AddUserToGroup"]);
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
        await find(options, { request, params }, [actor, "iam:RemoveUserFromGroup"]);
        const revision = await groups.removeMember(actor, params.id, params.user);
        set.headers["etag"] = renderEtag(revision);
        set.status = 204;
      },
      { detail: editRuleOf("groups", "iam:RemoveUserFromGroup", editedAnswer) },
    );
}

/** @throws ControlError NotFound, Forbidden */
async function find(
  options: GroupRoutesOptions,
  { request, params }: RoutedRequest,
  [actor, action]: readonly [actor: Actor, action: string],
): Promise<GroupView> {
  const view = await options.groups.get(actor.tenantId, params?.["id"] ?? "");
  requireAction(options, { request, actor, arn: view.arn }, action);
  return view;
}

function render({ inlinePolicies, createdAtMs, ...rest }: GroupView): object {
  return { ...rest, inlinePolicies: inlinePolicies.map(({ name }) => name), createdAt: renderTime(createdAtMs) };
}
