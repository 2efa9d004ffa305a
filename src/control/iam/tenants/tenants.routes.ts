import { Elysia, t } from "elysia";
import { ControlError } from "../../http/control-error.ts";
import { parseIfMatch, renderEtag } from "../../http/entity-tag.ts";
import {
  doneAnswer,
  itemAnswer,
  madeAnswer,
  pageAnswer,
  type RouteAnswer,
  valueAnswer,
} from "../../http/route-answer.ts";
import { visibleText } from "../../http/visible-text.ts";
import { wholeNumber } from "../../http/whole-number.ts";
import type { Sts } from "../../sts/sts.ts";
import { tenantSlugPattern } from "../../tenants/ensure-tenant.ts";
import { enteredSchema, tenantSchema } from "../identity-answers.ts";
import { type IdentityRoutesBase, pageQuery, renderTime, wantedPage } from "../identity-routes.ts";
import type { Tenants, TenantView } from "./tenants.ts";

/** What the routes stand on. */
export interface TenantRoutesOptions extends IdentityRoutesBase {
  readonly tenants: Tenants;
  readonly sts: Pick<Sts, "enter">;
  /** `security.tenant_entry`; asked each time. */
  readonly entryMode: () => "allowed" | "read_only" | "off";
}

const strict = { additionalProperties: false };
const bound = t.Optional(t.Union([wholeNumber({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }), t.Null()]));
const limits = t.Object(
  {
    ...{ maxBytes: bound, maxObjects: bound, maxBuckets: bound, maxUsers: bound, maxGroups: bound, maxRoles: bound },
    ...{ maxPolicies: bound, maxKeysPerUser: bound, requestsPerSecond: bound, maxConnections: bound },
    bytesPerSecond: bound,
  },
  strict,
);
const names = {
  displayName: t.Optional(t.String({ minLength: 1, maxLength: 128, pattern: "^[^\\u0000-\\u001f\\u007f]*$" })),
  email: t.Optional(t.String({ maxLength: 254, pattern: "^([^\\s@]+@[^\\s@]+)?$" })),
};
const newTenant = t.Object(
  { slug: t.String({ pattern: tenantSlugPattern.source }), ...names, limits: t.Optional(limits) },
  strict,
);
const tenantPatch = t.Object({ ...names, limits: t.Optional(limits) }, strict);
const entrance = t.Object({ reason: visibleText(500) }, strict);
const shown = itemAnswer(tenantSchema);
const enteredAnswer: RouteAnswer = {
  ...valueAnswer(enteredSchema, "Credentials for S3, for an hour at most; revoked in the tenant's sts-sessions"),
  status: 201,
};
const rule = (action: string, answer: RouteAnswer = shown) => ({ tags: ["tenants"], action, scope: "G", answer });

/** `/api/v1/tenants`: list, make, read, change (limits too), remove; `suspend`, `resume`, `enter`. For global administrators alone. */
export function tenantRoutes(options: TenantRoutesOptions) {
  return new Elysia({ prefix: "/api/v1/tenants", normalize: false })
    .use(collectionRoutes(options))
    .use(itemRoutes(options))
    .use(stateRoutes(options))
    .use(entryRoutes(options));
}

function collectionRoutes({ guard, tenants }: TenantRoutesOptions) {
  return new Elysia({ normalize: false })
    .get(
      "/",
      async ({ query }) => {
        const { items, nextCursor } = await tenants.list(wantedPage(query));
        return { items: items.map(render), nextCursor };
      },
      { query: pageQuery, detail: rule("maxiofs:ListTenants", pageAnswer(tenantSchema)) },
    )
    .post(
      "/",
      async ({ request, body, set }) => {
        const { slug, ...parts } = body;
        const view = await tenants.create({ caller: guard.requireUser(request).caller }, slug, parts);
        set.status = 201;
        set.headers["location"] = `/api/v1/tenants/${view.tenantId}`;
        set.headers["etag"] = renderEtag(view.revision);
        return render(view);
      },
      { body: newTenant, detail: rule("maxiofs:CreateTenant", madeAnswer(tenantSchema)) },
    );
}

/**
 * Asks the policies about the tenant itself, after the guard asked them for everything: a Deny that names the tenant holds.
 * @throws ControlError Forbidden naming the action
 */
function requireTenant(
  { guard, publisher }: TenantRoutesOptions,
  { request, tenantId }: { readonly request: Request; readonly tenantId: string },
  action: string,
): void {
  const entry = publisher.entries("tenant").get(tenantId);
  if (entry === undefined) throw new ControlError("NotFound");
  guard.requireAllowed(request, action, { ofOtherTenant: `arn:aws:maxiofs::${entry.accountId}:tenant/${tenantId}` });
}

function itemRoutes(options: TenantRoutesOptions) {
  const { tenants } = options;
  return new Elysia({ normalize: false })
    .get(
      "/:tenant",
      async ({ request, params, set }) => {
        requireTenant(options, { request, tenantId: params.tenant }, "maxiofs:GetTenant");
        const view = await tenants.get(params.tenant);
        set.headers["etag"] = renderEtag(view.revision);
        return render(view);
      },
      { detail: rule("maxiofs:GetTenant") },
    )
    .patch(
      "/:tenant",
      async ({ request, params, body, set }) => {
        // Bounds are an action of their own.
        const asked = { request, tenantId: params.tenant };
        requireTenant(options, asked, "maxiofs:UpdateTenant");
        if (body.limits !== undefined) requireTenant(options, asked, "maxiofs:SetTenantQuota");
        const view = await tenants.update(editor(options, request, params.tenant), body);
        set.headers["etag"] = renderEtag(view.revision);
        return render(view);
      },
      { body: tenantPatch, detail: { ...rule("maxiofs:UpdateTenant"), ifMatch: true } },
    )
    .delete(
      "/:tenant",
      async ({ request, params, set }) => {
        requireTenant(options, { request, tenantId: params.tenant }, "maxiofs:DeleteTenant");
        await tenants.remove(editor(options, request, params.tenant));
        set.status = 204;
      },
      { detail: { ...rule("maxiofs:DeleteTenant", doneAnswer), freshProof: true, ifMatch: true } },
    );
}

/** What a change of state needs of the framework's context. */
interface StateCall {
  readonly request: Request;
  readonly set: { readonly headers: Record<string, string | number> };
}

function stateRoutes(options: TenantRoutesOptions) {
  const { guard, tenants } = options;
  // Suspending is urgent: no revision is asked for.
  const setStatus = async ({ request, set }: StateCall, tenantId: string, status: "active" | "suspended") => {
    const { caller } = guard.requireUser(request);
    requireTenant(options, { request, tenantId }, "maxiofs:UpdateTenant");
    if (tenantId === caller.tenantId) throw new ControlError("Conflict", "This is your own tenant");
    const view = await tenants.setStatus({ caller, tenantId }, status);
    set.headers["etag"] = renderEtag(view.revision);
    return render(view);
  };
  return new Elysia({ normalize: false })
    .post("/:tenant/suspend", ({ params, ...call }) => setStatus(call, params.tenant, "suspended"), {
      detail: rule("maxiofs:UpdateTenant"),
    })
    .post("/:tenant/resume", ({ params, ...call }) => setStatus(call, params.tenant, "active"), {
      detail: rule("maxiofs:UpdateTenant"),
    });
}

function entryRoutes(options: TenantRoutesOptions) {
  const { guard, publisher, sts, entryMode } = options;
  return new Elysia({ normalize: false }).post(
    "/:tenant/enter",
    async ({ request, params, body, set }) => {
      const { caller } = guard.requireUser(request);
      const { tenant: tenantId } = params;
      requireTenant(options, { request, tenantId }, "maxiofs:EnterTenant");
      const tenant = publisher.entries("tenant").get(tenantId);
      if (tenant === undefined) throw new ControlError("NotFound");
      if (tenantId === caller.tenantId) throw new ControlError("Conflict", "This is your own tenant");
      const mode = entryMode();
      if (mode === "off") throw new ControlError("Forbidden", "security.tenant_entry is off");
      const readOnly = mode === "read_only";
      const { expiresAtMs, ...entered } = await sts.enter({ caller, tenant, reason: body.reason, readOnly });
      set.status = 201;
      set.headers["cache-control"] = "no-store";
      return { ...entered, readOnly, expiresAt: renderTime(expiresAtMs) };
    },
    { body: entrance, detail: { ...rule("maxiofs:EnterTenant", enteredAnswer), freshProof: true } },
  );
}

function editor({ guard }: TenantRoutesOptions, request: Request, tenantId: string) {
  return {
    caller: guard.requireUser(request).caller,
    tenantId,
    revision: parseIfMatch(request.headers.get("if-match")),
  };
}

function render({ createdAtMs, ...rest }: TenantView): object {
  return { ...rest, createdAt: renderTime(createdAtMs) };
}
