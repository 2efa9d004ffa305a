import { Elysia, t } from "elysia";
import { identityArn } from "#kernel/policy/identity-arn.ts";
import { parsePolicy } from "#kernel/policy/parse-policy.ts";
import { renderEtag } from "../../http/entity-tag.ts";
import { editedAnswer, itemAnswer, madeAnswer, pageAnswer, valueAnswer } from "../../http/route-answer.ts";
import { wholeNumber } from "../../http/whole-number.ts";
import { policySchema, policyVersionSchema, validationSchema } from "../identity-answers.ts";
import {
  actorOf,
  documentText,
  editorOf,
  editRuleOf,
  type IdentityRoutesBase,
  identityPrefixes,
  longNameText,
  pathText,
  renderTime,
  requireAction,
  ruleOf,
} from "../identity-routes.ts";
import { accountOf, type IdentityKind, KindRoutes } from "../kind.routes.ts";
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
  const kind = new KindRoutes(options, kindOf(options));
  const app = new Elysia({ normalize: false });
  for (const prefix of identityPrefixes) {
    app.use(kind.below(prefix)).use(newPolicyRoutes(`${prefix}/policies`, options, kind));
    app.use(versionRoutes(`${prefix}/policies`, options, kind)).use(simulationRoutes(`${prefix}/policies`, options));
  }
  return app;
}

function kindOf({ policies }: PolicyRoutesOptions): IdentityKind<PolicyView> {
  return {
    segment: "policies",
    nouns: ["Policy", "Policies"],
    schema: policySchema,
    service: policies,
    idOf: ({ policyId }) => policyId,
    askedOf: ({ arn, isBuiltIn }) => ({ arn: isBuiltIn ? "*" : arn }),
    render: ({ createdAtMs, updatedAtMs, ...rest }) => ({
      ...rest,
      createdAt: renderTime(createdAtMs),
      updatedAt: renderTime(updatedAtMs),
    }),
  };
}

function newPolicyRoutes(prefix: string, options: PolicyRoutesOptions, kind: KindRoutes<PolicyView>) {
  const { policies } = options;
  return new Elysia({ prefix, normalize: false })
    .post(
      "/",
      async ({ request, params, body, set }) => {
        const actor = actorOf(options, { request, params });
        const { name, path = "/", description = "", document } = body;
        const arn = identityArn(accountOf(options, actor), "policy", { path, name });
        requireAction(options, { request, actor, arn }, "iam:CreatePolicy");
        const view = await policies.create(actor, { name, path, description, document });
        return kind.showMade({ request, set }, view);
      },
      { body: newPolicy, detail: ruleOf("policies", "iam:CreatePolicy", madeAnswer(policySchema)) },
    )
    .post(
      "/validate",
      ({ request, params, body }) => {
        const actor = actorOf(options, { request, params });
        requireAction(options, { request, actor, arn: "*" }, "iam:ListPolicies");
        const { document, kind: ofKind = "managed", bucket } = body;
        const parsed = parsePolicy(document, { kind: ofKind, ...(bucket !== undefined && { bucketName: bucket }) });
        const isValid = parsed.kind === "document";
        return { valid: isValid, problems: isValid ? [] : parsed.problems, warnings: isValid ? parsed.warnings : [] };
      },
      { body: validation, detail: ruleOf("policies", "iam:ListPolicies", valueAnswer(validationSchema)) },
    );
}

function versionRoutes(prefix: string, options: PolicyRoutesOptions, kind: KindRoutes<PolicyView>) {
  const { policies } = options;
  return new Elysia({ prefix, normalize: false })
    .get(
      "/:id/versions",
      async ({ request, params, set }) => {
        const actor = actorOf(options, { request, params });
        const { revision } = await kind.find({ request, params }, [actor, "iam:ListPolicyVersions"]);
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
        await kind.find({ request, params }, [actor, "iam:CreatePolicyVersion"]);
        const { document, isDefault = false } = body;
        set.status = 201;
        return kind.show(set, await policies.addVersion(actor, params.id, { document, isDefault }));
      },
      { body: newVersion, detail: editRuleOf("policies", "iam:CreatePolicyVersion", { ...shown, status: 201 }) },
    )
    .put(
      "/:id/default-version",
      async ({ request, params, body, set }) => {
        const actor = editorOf(options, { request, params });
        await kind.find({ request, params }, [actor, "iam:SetDefaultPolicyVersion"]);
        return kind.show(set, await policies.setDefaultVersion(actor, params.id, body.version));
      },
      {
        body: t.Object({ version: wholeNumber({ minimum: 1 }) }, strict),
        detail: editRuleOf("policies", "iam:SetDefaultPolicyVersion", shown),
      },
    )
    .delete(
      "/:id/versions/:version",
      async ({ request, params, set }) => {
        const actor = editorOf(options, { request, params: { ...params, version: String(params.version) } });
        const routed = { request, params: { id: params.id } };
        await kind.find(routed, [actor, "iam:DeletePolicyVersion"]);
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
