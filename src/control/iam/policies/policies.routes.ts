import { Elysia, t } from "elysia";
import { parsePolicy } from "#kernel/policy/parse-policy.ts";
import { renderEtag } from "../../http/entity-tag.ts";
import { doneAnswer, editedAnswer, itemAnswer, madeAnswer, pageAnswer, valueAnswer } from "../../http/route-answer.ts";
import { policySchema, policyVersionSchema, validationSchema } from "../identity-answers.ts";
import {
  actorOf,
  documentText,
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
  ruleOf,
  wantedPage,
} from "../identity-routes.ts";
import type { Actor } from "../identity-work.ts";
import { simulatedSchema } from "./explanation-answers.ts";
import type { Policies, PolicyView } from "./policies.ts";
import { simulate } from "./simulate.ts";

/** What the routes stand on. */
export interface PolicyRoutesOptions extends IdentityRoutesBase {
  readonly policies: Policies;
}

const strict = { additionalProperties: false };
const kinds = ["managed", "userInline", "groupInline", "roleInline", "key", "session", "trust", "bucket"] as const;
const newPolicy = t.Object(
  {
    name: longNameText,
    path: t.Optional(pathText),
    description: t.Optional(t.String({ maxLength: 1000 })),
    document: documentText,
  },
  strict,
);
const newVersion = t.Object({ document: documentText, isDefault: t.Optional(t.Boolean()) }, strict);
const versionParams = t.Object({
  tenant: t.Optional(t.String()),
  id: t.String(),
  version: t.Integer({ minimum: 1 }),
});
const validation = t.Object(
  {
    document: documentText,
    kind: t.Optional(t.Union(kinds.map((kind) => t.Literal(kind)))),
    bucket: t.Optional(t.String({ maxLength: 63 })),
  },
  strict,
);
const shortText = t.String({ minLength: 1, maxLength: 2048 });
const simulation = t.Object(
  {
    userId: t.Optional(t.String({ maxLength: 64 })),
    accessKeyId: t.Optional(t.String({ maxLength: 128 })),
    policies: t.Optional(t.Array(documentText, { maxItems: 20 })),
    actions: t.Array(shortText, { minItems: 1, maxItems: 50 }),
    resources: t.Optional(t.Array(shortText, { minItems: 1, maxItems: 20 })),
    context: t.Optional(
      t.Record(shortText, t.Union([t.String({ maxLength: 2048 }), t.Array(shortText, { maxItems: 50 })])),
    ),
  },
  strict,
);
const shown = itemAnswer(policySchema);

/** `policies`: list, make, read, remove; `versions`; `validate`; `simulate`. Built-in ones are read by name or ARN. */
export function policyRoutes(options: PolicyRoutesOptions) {
  const app = new Elysia({ normalize: false });
  for (const prefix of identityPrefixes) {
    app.use(collectionRoutes(`${prefix}/policies`, options)).use(itemRoutes(`${prefix}/policies`, options));
    app.use(versionRoutes(`${prefix}/policies`, options)).use(simulationRoutes(`${prefix}/policies`, options));
  }
  return app;
}

function collectionRoutes(prefix: string, options: PolicyRoutesOptions) {
  const { policies } = options;
  return new Elysia({ prefix, normalize: false })
    .get(
      "/",
      async ({ request, params, query }) => {
        const actor = actorOf(options, { request, params });
        requireAction(options, { request, actor, arn: "*" }, "iam:ListPolicies");
        const { items, nextCursor } = await policies.list(actor.tenantId, wantedPage(query));
        return { items: items.map(render), nextCursor };
      },
      { query: pageQuery, detail: ruleOf("policies", "iam:ListPolicies", pageAnswer(policySchema)) },
    )
    .post(
      "/",
      async ({ request, params, body, set }) => {
        const actor = actorOf(options, { request, params });
        const { name, path = "/", description = "", document } = body;
        const accountId = options.publisher.entries("tenant").get(actor.tenantId)?.accountId ?? "";
        const arn = `arn:aws:iam::${accountId}:policy${path}${name}`;
        requireAction(options, { request, actor, arn }, "iam:CreatePolicy");
        const view = await policies.create(actor, { name, path, description, document });
        set.status = 201;
        set.headers["location"] = `${new URL(request.url).pathname.replace(/\/$/, "")}/${view.policyId}`;
        set.headers["etag"] = renderEtag(view.revision);
        return render(view);
      },
      { body: newPolicy, detail: ruleOf("policies", "iam:CreatePolicy", madeAnswer(policySchema)) },
    )
    .post(
      "/validate",
      ({ request, params, body }) => {
        const actor = actorOf(options, { request, params });
        requireAction(options, { request, actor, arn: "*" }, "iam:ListPolicies");
        const { document, kind = "managed", bucket } = body;
        const parsed = parsePolicy(document, { kind, ...(bucket !== undefined && { bucketName: bucket }) });
        const isValid = parsed.kind === "document";
        return { valid: isValid, problems: isValid ? [] : parsed.problems, warnings: isValid ? parsed.warnings : [] };
      },
      { body: validation, detail: ruleOf("policies", "iam:ListPolicies", valueAnswer(validationSchema)) },
    );
}

function itemRoutes(prefix: string, options: PolicyRoutesOptions) {
  const { policies } = options;
  return new Elysia({ prefix, normalize: false })
    .get(
      "/:id",
      async ({ request, params, set }) => {
        const actor = actorOf(options, { request, params });
        const view = await find(options, { request, params }, [actor, "iam:GetPolicy"]);
        set.headers["etag"] = renderEtag(view.revision);
        return render(view);
      },
      { detail: ruleOf("policies", "iam:GetPolicy", shown) },
    )
    .delete(
      "/:id",
      async ({ request, params, set }) => {
        const actor = editorOf(options, { request, params });
        await find(options, { request, params }, [actor, "iam:DeletePolicy"]);
        await policies.remove(actor, params.id);
        set.status = 204;
      },
      { detail: editRuleOf("policies", "iam:DeletePolicy", doneAnswer) },
    );
}

function versionRoutes(prefix: string, options: PolicyRoutesOptions) {
  const { policies } = options;
  return new Elysia({ prefix, normalize: false })
    .get(
      "/:id/versions",
      async ({ request, params, set }) => {
        const actor = actorOf(options, { request, params });
        const { revision } = await find(options, { request, params }, [actor, "iam:ListPolicyVersions"]);
        set.headers["etag"] = renderEtag(revision);
        const versions = await policies.versions(actor.tenantId, params.id);
        const items = versions.map(({ createdAtMs, ...rest }) => ({ ...rest, createdAt: renderTime(createdAtMs) }));
        return { items, nextCursor: null };
      },
      {
        detail: ruleOf("policies", "iam:ListPolicyVersions", { ...pageAnswer(policyVersionSchema), headers: ["ETag"] }),
      },
    )
    .post(
      "/:id/versions",
      async ({ request, params, body, set }) => {
        const actor = editorOf(options, { request, params });
        await find(options, { request, params }, [actor, "iam:CreatePolicyVersion"]);
        const { document, isDefault = false } = body;
        const view = await policies.addVersion(actor, params.id, { document, isDefault });
        set.status = 201;
        set.headers["etag"] = renderEtag(view.revision);
        return render(view);
      },
      { body: newVersion, detail: editRuleOf("policies", "iam:CreatePolicyVersion", { ...shown, status: 201 }) },
    )
    .put(
      "/:id/default-version",
      async ({ request, params, body, set }) => {
        const actor = editorOf(options, { request, params });
        await find(options, { request, params }, [actor, "iam:SetDefaultPolicyVersion"]);
        const view = await policies.setDefaultVersion(actor, params.id, body.version);
        set.headers["etag"] = renderEtag(view.revision);
        return render(view);
      },
      {
        body: t.Object({ version: t.Integer({ minimum: 1 }) }, strict),
        detail: editRuleOf("policies", "iam:SetDefaultPolicyVersion", shown),
      },
    )
    .delete(
      "/:id/versions/:version",
      async ({ request, params, set }) => {
        const actor = editorOf(options, { request, params: { ...params, version: String(params.version) } });
        const routed = { request, params: { id: params.id } };
        await find(options, routed, [actor, "iam:DeletePolicyVersion"]);
        const { revision } = await policies.removeVersion(actor, params.id, params.version);
        set.headers["etag"] = renderEtag(revision);
        set.status = 204;
      },
      { params: versionParams, detail: editRuleOf("policies", "iam:DeletePolicyVersion", editedAnswer) },
    );
}

function simulationRoutes(prefix: string, options: PolicyRoutesOptions) {
  const { publisher } = options;
  return new Elysia({ prefix, normalize: false }).post(
    "/simulate",
    ({ request, params, body }) => {
      const actor = actorOf(options, { request, params });
      const { userId, accessKeyId, policies = [], actions, resources = ["*"], context = {} } = body;
      const action = userId === undefined ? "iam:SimulateCustomPolicy" : "iam:SimulatePrincipalPolicy";
      requireAction(options, { request, actor, arn: "*" }, action);
      const of = { ...(userId !== undefined && { userId }), ...(accessKeyId !== undefined && { accessKeyId }) };
      return {
        items: simulate(publisher, actor.tenantId, { ...of, policies, actions, resources, context }),
        nextCursor: null,
      };
    },
    { body: simulation, detail: ruleOf("policies", "iam:SimulatePrincipalPolicy", pageAnswer(simulatedSchema)) },
  );
}

/** @throws ControlError NotFound, Forbidden */
async function find(
  options: PolicyRoutesOptions,
  { request, params }: RoutedRequest,
  [actor, action]: readonly [actor: Actor, action: string],
): Promise<PolicyView> {
  const view = await options.policies.get(actor.tenantId, params?.["id"] ?? "");
  requireAction(options, { request, actor, arn: view.isBuiltIn ? "*" : view.arn }, action);
  return view;
}

function render({ createdAtMs, updatedAtMs, ...rest }: PolicyView): object {
  return { ...rest, createdAt: renderTime(createdAtMs), updatedAt: renderTime(updatedAtMs) };
}
