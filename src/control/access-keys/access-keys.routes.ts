import { Elysia, t } from "elysia";
import { parsePolicy } from "#kernel/policy/parse-policy.ts";
import type { KeyEntry } from "#kernel/protocol/identities.ts";
import { accessKeyIdPattern, secretKeyPattern } from "#kernel/settings/credential-shape.ts";
import { originOfCaller } from "../audit/origin-of-caller.ts";
import type { Caller } from "../http/caller.ts";
import { ControlError } from "../http/control-error.ts";
import { tenantSlugPattern } from "../tenants/ensure-tenant.ts";
import { userNamePattern } from "../tenants/ensure-user.ts";
import type { AccessKeys } from "./access-keys.ts";

const strict = { additionalProperties: false };
const maxPage = 1000;
const defaultPage = 50;
/** Characters, white space included; the parser has the real limit. */
const maxPolicyLength = 131_072;
/** The keys of all tenants: for administrators alone. */
const rule = (action: string) => ({ tags: ["access-keys"], action, scope: "G" });

const newKey = t.Object(
  {
    userName: t.String({ pattern: userNamePattern.source }),
    tenant: t.Optional(t.String({ pattern: tenantSlugPattern.source })),
    policy: t.Optional(t.String({ minLength: 1, maxLength: maxPolicyLength })),
    credentials: t.Optional(
      t.Object(
        {
          accessKeyId: t.String({ pattern: accessKeyIdPattern.source }),
          secretKey: t.String({ pattern: secretKeyPattern.source }),
        },
        strict,
      ),
    ),
  },
  strict,
);

const keyChange = t.Object({ enabled: t.Optional(t.Boolean()) }, strict);

const page = t.Object(
  { limit: t.Optional(t.Integer({ minimum: 1, maximum: maxPage })), cursor: t.Optional(t.String({ maxLength: 128 })) },
  strict,
);

/**
 * `/api/v1/access-keys`: list, make, change, delete. Interim until the `iam:` actions exist: only administrators reach it.
 * A secret is in the answer to POST and nowhere else.
 */
export function accessKeyRoutes(accessKeys: AccessKeys, callerOf: (request: Request) => Caller) {
  return new Elysia({ prefix: "/api/v1/access-keys", normalize: false })
    .get("/", ({ query }) => listPage(accessKeys.list(), query.limit ?? defaultPage, query.cursor ?? ""), {
      query: page,
      detail: rule("iam:ListAccessKeys"),
    })
    .post(
      "/",
      async ({ body, request, set }) => {
        const { userName, tenant, credentials } = body;
        const optional = { ...(tenant && { tenant }), ...(credentials && { credentials }) };
        if (body.policy !== undefined) requireKeyPolicy(body.policy);
        const entry = await accessKeys.createKey(
          { userName, policy: body.policy ?? null, ...optional },
          originOfCaller(callerOf(request)),
        );
        set.status = 201;
        set.headers["location"] = `/api/v1/access-keys/${entry.accessKeyId}`;
        set.headers["cache-control"] = "no-store";
        return { ...renderKey(entry), secretKey: entry.secretKey };
      },
      { body: newKey, detail: rule("iam:CreateAccessKey") },
    )
    .patch(
      "/:id",
      async ({ params, body, request }) => {
        const origin = originOfCaller(callerOf(request));
        if (body.enabled !== undefined) await accessKeys.setEnabled(params.id, body.enabled, origin);
        return renderKey(accessKeys.get(params.id));
      },
      { body: keyChange, detail: rule("iam:UpdateAccessKey") },
    )
    .delete(
      "/:id",
      async ({ params, request, set }) => {
        await accessKeys.deleteKey(params.id, originOfCaller(callerOf(request)));
        set.status = 204;
      },
      { detail: rule("iam:DeleteAccessKey") },
    );
}

/** @throws ControlError InvalidRequest naming what is wrong with the text and where */
function requireKeyPolicy(text: string): void {
  const parsed = parsePolicy(text, { kind: "key" });
  if (parsed.kind === "document") return;
  const [{ pointer, message } = { pointer: "", message: "" }] = parsed.problems;
  throw new ControlError("InvalidRequest", `The policy is wrong at "${pointer}": ${message}`);
}

function listPage(keys: readonly KeyEntry[], limit: number, cursor: string): object {
  const rest = keys.filter(({ accessKeyId }) => accessKeyId > cursor);
  const items = rest.slice(0, limit);
  const nextCursor = rest.length > items.length ? (items.at(-1)?.accessKeyId ?? null) : null;
  return { items: items.map(renderKey), nextCursor };
}

function renderKey({ secretKey: _, ...rest }: KeyEntry): Omit<KeyEntry, "secretKey"> {
  return rest;
}
