import { Elysia, t } from "elysia";
import type { KeyEntry } from "#kernel/protocol/snapshot.ts";
import { accessKeyIdPattern, secretKeyPattern } from "#kernel/settings/credential-shape.ts";
import { originOfCaller } from "../audit/origin-of-caller.ts";
import type { Caller } from "../http/caller.ts";
import { tenantSlugPattern } from "../tenants/ensure-tenant.ts";
import { userNamePattern } from "../tenants/ensure-user.ts";
import type { AccessKeys } from "./access-keys.ts";

const strict = { additionalProperties: false };
const maxPage = 1000;
const defaultPage = 50;

const grants = t.Array(
  t.Object(
    {
      actions: t.Array(t.String({ minLength: 1, maxLength: 128 }), { minItems: 1, maxItems: 100 }),
      resources: t.Array(t.String({ minLength: 1, maxLength: 2048 }), { minItems: 1, maxItems: 100 }),
    },
    strict,
  ),
  { maxItems: 100 },
);

const newKey = t.Object(
  {
    userName: t.String({ pattern: userNamePattern.source }),
    tenant: t.Optional(t.String({ pattern: tenantSlugPattern.source })),
    grants: t.Optional(grants),
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

const keyChange = t.Object({ grants: t.Optional(grants), enabled: t.Optional(t.Boolean()) }, strict);

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
    })
    .post(
      "/",
      async ({ body, request, set }) => {
        const { userName, tenant, credentials } = body;
        const optional = { ...(tenant && { tenant }), ...(credentials && { credentials }) };
        const entry = await accessKeys.createKey(
          { userName, grants: body.grants ?? [], ...optional },
          originOfCaller(callerOf(request)),
        );
        set.status = 201;
        set.headers["location"] = `/api/v1/access-keys/${entry.accessKeyId}`;
        set.headers["cache-control"] = "no-store";
        return { ...renderKey(entry), secretKey: entry.secretKey };
      },
      { body: newKey },
    )
    .patch(
      "/:id",
      async ({ params, body, request }) => {
        const origin = originOfCaller(callerOf(request));
        if (body.grants !== undefined) await accessKeys.setGrants(params.id, body.grants, origin);
        if (body.enabled !== undefined) await accessKeys.setEnabled(params.id, body.enabled, origin);
        return renderKey(accessKeys.get(params.id));
      },
      { body: keyChange },
    )
    .delete("/:id", async ({ params, request, set }) => {
      await accessKeys.deleteKey(params.id, originOfCaller(callerOf(request)));
      set.status = 204;
    });
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
