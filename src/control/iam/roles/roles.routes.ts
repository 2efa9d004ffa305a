import { Elysia, t } from "elysia";
import { identityArn } from "#kernel/policy/identity-arn.ts";
import { itemAnswer, madeAnswer } from "../../http/route-answer.ts";
import { wholeNumber } from "../../http/whole-number.ts";
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
  policyText,
  requireAction,
  requireEdit,
  ruleOf,
  tagPairs,
  tagRecord,
  tagsRecord,
} from "../identity-routes.ts";
import { accountOf, type IdentityKind, KindRoutes, renderHolder } from "../kind.routes.ts";
import type { Roles, RoleView } from "./roles.ts";

/** What the routes stand on. */
export interface RoleRoutesOptions extends IdentityRoutesBase {
  readonly roles: Roles;
}

const strict = { additionalProperties: false };
const defaultSessionSeconds = 3600;
const parts = {
  description: t.Optional(t.String({ maxLength: 1000 })),
  maxSessionSeconds: t.Optional(wholeNumber({ minimum: 3600, maximum: 43_200 })),
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
  const kind = new KindRoutes(options, kindOf(options));
  const app = new Elysia({ normalize: false });
  for (const prefix of identityPrefixes) app.use(kind.below(prefix)).use(editRoutes(`${prefix}/roles`, options, kind));
  return app;
}

function kindOf({ roles, publisher }: RoleRoutesOptions): IdentityKind<RoleView> {
  return {
    segment: "roles",
    nouns: ["Role", "Roles"],
    schema: roleSchema,
    service: roles,
    idOf: ({ roleId }) => roleId,
    askedOf: (view) => ({ arn: view.arn, values: identityValues(publisher, view) }),
    render: ({ tags, ...rest }) => ({ ...renderHolder(rest), tags: tagRecord(tags) }),
  };
}

function editRoutes(prefix: string, options: RoleRoutesOptions, kind: KindRoutes<RoleView>) {
  const { roles } = options;
  return new Elysia({ prefix, normalize: false })
    .post(
      "/",
      async ({ request, params, body, set }) => {
        const actor = actorOf(options, { request, params });
        const { name, tags = {}, boundary = null, description = "", trustPolicy } = body;
        const values = { ...requestTagValues(tags), ...boundaryValue(options.publisher, boundary) };
        const question = {
          request,
          actor,
          arn: identityArn(accountOf(options, actor), "role", { path: "/", name }),
          values,
        };
        requireAction(options, question, "iam:CreateRole");
        if (Object.keys(tags).length > 0) requireAction(options, question, "iam:TagRole");
        const maxSessionSeconds = body.maxSessionSeconds ?? defaultSessionSeconds;
        const given = { description, trustPolicy, maxSessionSeconds, tags: tagPairs(tags), boundary };
        return kind.showMade({ request, set }, await roles.create(actor, name, given));
      },
      { body: newRole, detail: ruleOf("roles", "iam:CreateRole", madeAnswer(roleSchema)) },
    )
    .patch(
      "/:id",
      async ({ request, params, body, set }) => {
        const actor = editorOf(options, { request, params });
        const identity = await roles.get(actor.tenantId, params.id);
        requireEdit(options, { request, actor }, editsAsked(options.publisher, "Role", { identity, patch: body }));
        const { tags, ...rest } = body;
        return kind.show(set, await roles.update(actor, params.id, { ...rest, ...(tags && { tags: tagPairs(tags) }) }));
      },
      { body: rolePatch, detail: editRuleOf("roles", "iam:UpdateRole", itemAnswer(roleSchema)) },
    );
}
