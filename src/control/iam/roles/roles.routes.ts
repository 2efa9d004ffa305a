import { Elysia, t } from "elysia";
import { renderEtag } from "../../http/entity-tag.ts";
import { doneAnswer, itemAnswer, madeAnswer, pageAnswer } from "../../http/route-answer.ts";
import { boundaryValue, editsAsked, identityValues, requestTagValues } from "../asked-edits.ts";
import { roleSchema } from "../identity-answers.ts";
import {
  actorOf,
  documentText,
  editorOf,
  editRuleOf,
  type IdentityRoutesBase,
  identityPrefixes,
  nameText,
  pageQuery,
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
import type { Roles, RoleView } from "./roles.ts";

/** What the routes stand on. */
export interface RoleRoutesOptions extends IdentityRoutesBase {
  readonly roles: Roles;
}

const strict = { additionalProperties: false };
const defaultSessionSeconds = 3600;
const parts = {
  description: t.Optional(t.String({ maxLength: 1000 })),
  maxSessionSeconds: t.Optional(t.Integer({ minimum: 3600, maximum: 43_200 })),
  tags: t.Optional(tagsRecord),
};
const newRole = t.Object(
  { name: nameText, trustPolicy: documentText, boundary: t.Optional(policyText), ...parts },
  strict,
);
const rolePatch = t.Object(
  { trustPolicy: t.Optional(documentText), boundary: t.Optional(t.Union([policyText, t.Null()])), ...parts },
  strict,
);

/** `roles`: list, make, read, change, remove. */
export function roleRoutes(options: RoleRoutesOptions) {
  const app = new Elysia({ normalize: false });
  for (const prefix of identityPrefixes)
    app.use(collectionRoutes(`${prefix}/roles`, options)).use(itemRoutes(`${prefix}/roles`, options));
  return app;
}

function collectionRoutes(prefix: string, options: RoleRoutesOptions) {
  const { roles } = options;
  return new Elysia({ prefix, normalize: false })
    .get(
      "/",
      async ({ request, params, query }) => {
        const actor = actorOf(options, { request, params });
        requireAction(options, { request, actor, arn: "*" }, "iam:ListRoles");
        const { items, nextCursor } = await roles.list(actor.tenantId, wantedPage(query));
        return { items: items.map(render), nextCursor };
      },
      { query: pageQuery, detail: ruleOf("roles", "iam:ListRoles", pageAnswer(roleSchema)) },
    )
    .post(
      "/",
      async ({ request, params, body, set }) => {
        const actor = actorOf(options, { request, params });
        const { name, tags = {}, boundary = null, description = "", trustPolicy } = body;
        const accountId = options.publisher.entries("tenant").get(actor.tenantId)?.accountId ?? "";
        const values = { ...requestTagValues(tags), ...boundaryValue(options.publisher, boundary) };
        const question = { request, actor, arn: `arn:aws:iam::${accountId}:role/${name}`, values };
        requireAction(options, question, "iam:CreateRole");
        if (Object.keys(tags).length > 0) requireAction(options, question, "iam:TagRole");
        const maxSessionSeconds = body.maxSessionSeconds ?? defaultSessionSeconds;
        const given = { description, trustPolicy, maxSessionSeconds, tags: tagPairs(tags), boundary };
        const view = await roles.create(actor, name, given);
        set.status = 201;
        set.headers["location"] = `${new URL(request.url).pathname.replace(/\/$/, "")}/${view.roleId}`;
        set.headers["etag"] = renderEtag(view.revision);
        return render(view);
      },
      { body: newRole, detail: ruleOf("roles", "iam:CreateRole", madeAnswer(roleSchema)) },
    );
}

function itemRoutes(prefix: string, options: RoleRoutesOptions) {
  const { roles } = options;
  return new Elysia({ prefix, normalize: false })
    .get(
      "/:id",
      async ({ request, params, set }) => {
        const actor = actorOf(options, { request, params });
        const view = await find(options, { request, params }, [actor, "iam:GetRole"]);
        set.headers["etag"] = renderEtag(view.revision);
        return render(view);
      },
      { detail: ruleOf("roles", "iam:GetRole", itemAnswer(roleSchema)) },
    )
    .patch(
      "/:id",
      async ({ request, params, body, set }) => {
        const actor = editorOf(options, { request, params });
        const identity = await roles.get(actor.tenantId, params.id);
        requireEdit(options, { request, actor }, editsAsked(options.publisher, "Role", { identity, patch: body }));
        const { tags, ...rest } = body;
        const view = await roles.update(actor, params.id, { ...rest, ...(tags && { tags: tagPairs(tags) }) });
        set.headers["etag"] = renderEtag(view.revision);
        return render(view);
      },
      { body: rolePatch, detail: editRuleOf("roles", "iam:UpdateRole", itemAnswer(roleSchema)) },
    )
    .delete(
      "/:id",
      async ({ request, params, set }) => {
        const actor = editorOf(options, { request, params });
        await find(options, { request, params }, [actor, "iam:DeleteRole"]);
        await roles.remove(actor, params.id);
        set.status = 204;
      },
      { detail: editRuleOf("roles", "iam:DeleteRole", doneAnswer) },
    );
}

/** @throws ControlError NotFound, Forbidden */
async function find(
  options: RoleRoutesOptions,
  { request, params }: RoutedRequest,
  [actor, action]: readonly [actor: Actor, action: string],
): Promise<RoleView> {
  const view = await options.roles.get(actor.tenantId, params?.["id"] ?? "");
  const values = identityValues(options.publisher, view);
  requireAction(options, { request, actor, arn: view.arn, values }, action);
  return view;
}

function render({ tags, inlinePolicies, createdAtMs, ...rest }: RoleView): object {
  const names = inlinePolicies.map(({ name }) => name);
  return { ...rest, tags: tagRecord(tags), inlinePolicies: names, createdAt: renderTime(createdAtMs) };
}
