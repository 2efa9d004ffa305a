import { Elysia, t } from "elysia";
import { availableSettings, categoryOf, isSettingName } from "#kernel/settings/settings.ts";
import { originOfCaller } from "../audit/origin-of-caller.ts";
import type { Caller } from "../http/caller.ts";
import { ControlError } from "../http/control-error.ts";
import { parseIfMatch, renderEtag } from "../http/entity-tag.ts";
import { itemAnswer, pageAnswer } from "../http/route-answer.ts";
import type { ServerSettings } from "./server-settings.ts";

const read = { tags: ["settings"], action: "maxiofs:ReadSettings", scope: "G" };
const update = { tags: ["settings"], action: "maxiofs:UpdateSettings", scope: "G", freshProof: true, ifMatch: true };
const strict = { additionalProperties: false };
const setting = t.Object(
  {
    ...{ key: t.String(), category: t.String(), description: t.String(), type: t.String(), allowed: t.String() },
    ...{ unit: t.Optional(t.String()), min: t.Optional(t.Number()), max: t.Optional(t.Number()) },
    words: t.Optional(t.Array(t.String())),
    secret: t.Boolean(),
    default: t.Unknown(),
    value: t.Unknown({ description: "In force; of a secret `***` when it is set, else empty" }),
    source: t.Union([t.Literal("start"), t.Literal("stored"), t.Literal("default")]),
  },
  { $id: "Setting", ...strict },
);
const category = t.Object(
  { name: t.String(), count: t.Integer({ minimum: 0 }) },
  { $id: "SettingCategory", ...strict },
);
const all = { ...pageAnswer(setting), headers: ["ETag"] } as const;

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
        query: t.Object({ category: t.Optional(t.String({ maxLength: 40 })) }, strict),
        detail: { ...read, answer: all },
      },
    )
    .get("/categories", () => ({ items: listCategories(), nextCursor: null }), {
      detail: { ...read, answer: pageAnswer(category) },
    })
    .get(
      "/:key",
      ({ params: { key }, set }) => {
        if (!isSettingName(key) || !availableSettings.includes(key)) throw new ControlError("NotFound");
        set.headers["etag"] = renderEtag(settings.revision);
        return settings.show(key);
      },
      { detail: { ...read, answer: itemAnswer(setting) } },
    )
    .patch(
      "/",
      async ({ body, request, set }) => {
        const revision = parseIfMatch(request.headers.get("if-match"));
        await settings.update({ body, revision, origin: originOfCaller(callerOf(request)) });
        set.headers["etag"] = renderEtag(settings.revision);
        return { items: settings.list(), nextCursor: null };
      },
      { body: t.Record(t.String(), t.Unknown()), detail: { ...update, answer: all } },
    );
}

function listCategories(): readonly { readonly name: string; readonly count: number }[] {
  const counts = new Map<string, number>();
  for (const name of availableSettings) counts.set(categoryOf(name), (counts.get(categoryOf(name)) ?? 0) + 1);
  return [...counts].map(([name, count]) => ({ name, count }));
}
