import { Elysia, t } from "elysia";
import { availableSettings, categoryOf, isSettingName } from "#kernel/settings/settings.ts";
import { originOfCaller } from "../audit/origin-of-caller.ts";
import type { Caller } from "../http/caller.ts";
import { ControlError } from "../http/control-error.ts";
import { parseIfMatch, renderEtag } from "../http/entity-tag.ts";
import type { ServerSettings } from "./server-settings.ts";

const read = { tags: ["settings"], action: "maxiofs:ReadSettings", scope: "G" };
const update = { tags: ["settings"], action: "maxiofs:UpdateSettings", scope: "G", freshProof: true };

/** What the routes stand on. */
export interface SettingsRoutesOptions {
  readonly settings: ServerSettings;
  /** Who makes a request that the guard let through. */
  readonly callerOf: (request: Request) => Caller;
}

/**
 * `/api/v1/settings`: all (of a `category`), the categories, one by its key; PATCH changes many at once, all or nothing.
 * The ETag is the revision of all settings; a secret is shown as `***` and never read back.
 */
export function settingsRoutes({ settings, callerOf }: SettingsRoutesOptions) {
  return new Elysia({ prefix: "/api/v1/settings", normalize: false })
    .get(
      "/",
      ({ query, set }) => {
        set.headers["etag"] = renderEtag(settings.revision);
        const items = settings.list().filter(({ category }) => category === (query.category ?? category));
        return { items, nextCursor: null };
      },
      {
        query: t.Object({ category: t.Optional(t.String({ maxLength: 40 })) }, { additionalProperties: false }),
        detail: read,
      },
    )
    .get("/categories", () => ({ items: listCategories(), nextCursor: null }), { detail: read })
    .get(
      "/:key",
      ({ params: { key }, set }) => {
        if (!isSettingName(key) || !availableSettings.includes(key)) throw new ControlError("NotFound");
        set.headers["etag"] = renderEtag(settings.revision);
        return settings.show(key);
      },
      { detail: read },
    )
    .patch(
      "/",
      async ({ body, request, set }) => {
        const revision = parseIfMatch(request.headers.get("if-match"));
        await settings.update({ body, revision, origin: originOfCaller(callerOf(request)) });
        set.headers["etag"] = renderEtag(settings.revision);
        return { items: settings.list(), nextCursor: null };
      },
      { body: t.Record(t.String(), t.Unknown()), detail: update },
    );
}

function listCategories(): readonly { readonly name: string; readonly count: number }[] {
  const counts = new Map<string, number>();
  for (const name of availableSettings) counts.set(categoryOf(name), (counts.get(categoryOf(name)) ?? 0) + 1);
  return [...counts].map(([name, count]) => ({ name, count }));
}
