import { Elysia, t } from "elysia";
import { accessKeyIdPattern, reservedIdPattern, secretKeyPattern } from "#kernel/settings/credential-shape.ts";
import { ControlError } from "../http/control-error.ts";
import { renderEtag } from "../http/entity-tag.ts";
import { doneAnswer, itemAnswer, madeAnswer, pageAnswer } from "../http/route-answer.ts";
import { momentText, parseMoment } from "../http/time-text.ts";
import { wholeNumber } from "../http/whole-number.ts";
import { keySchema, madeKeySchema } from "../iam/identity-answers.ts";
import {
  actorOf,
  cursorText,
  documentText,
  editorOf,
  editRuleOf,
  type IdentityRoutesBase,
  identityPrefixes,
  nameText,
  type RoutedRequest,
  renderTime,
  requireAction,
  ruleOf,
  searchText,
  sortText,
} from "../iam/identity-routes.ts";
import type { Actor } from "../iam/identity-work.ts";
import type { Users, UserView } from "../iam/users/users.ts";
import { type AccessKeys, type KeyPatch, type KeyView, keySorts } from "./access-keys.ts";

/** What the routes stand on. */
export interface AccessKeyRoutesOptions extends IdentityRoutesBase {
  readonly accessKeys: AccessKeys;
  readonly users: Users;
}

const strict = { additionalProperties: false };
const maxPage = 1000;
const defaultPage = 50;
const bound = t.Optional(t.Union([wholeNumber({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }), t.Null()]));
const parts = {
  policy: t.Optional(t.Union([documentText, t.Null()])),
  description: t.Optional(t.String({ maxLength: 256, pattern: "^[^\\u0000-\\u001f\\u007f]*$" })),
  expiresAt: t.Optional(t.Union([momentText, t.Null()])),
  limits: t.Optional(t.Object({ requestsPerSecond: bound, maxConnections: bound, bytesPerSecond: bound }, strict)),
};
const newKey = t.Object(
  {
    userName: nameText,
    ...parts,
    credentials: t.Optional(
      t.Object(
        {
          accessKeyId: t.String({ pattern: `(?!${reservedIdPattern.source})${accessKeyIdPattern.source}` }),
          secretKey: t.String({ pattern: secretKeyPattern.source }),
        },
        strict,
      ),
    ),
  },
  strict,
);
const keyPatch = t.Object({ enabled: t.Optional(t.Boolean()), ...parts }, strict);
const page = t.Object(
  {
    limit: t.Optional(t.Integer({ minimum: 1, maximum: maxPage })),
    cursor: cursorText,
    q: searchText,
    sort: sortText(keySorts),
    userId: t.Optional(t.String({ maxLength: 64 })),
  },
  strict,
);
const shown = itemAnswer(keySchema);

/**
 * `access-keys`: list, make, read, change, remove. A policy makes a key a service account: it may do what the policy and its user's
 * policies both allow. A secret is in the answer to POST and nowhere else.
 */
export function accessKeyRoutes(options: AccessKeyRoutesOptions) {
  const app = new Elysia({ normalize: false });
  for (const prefix of identityPrefixes)
    app.use(collectionRoutes(`${prefix}/access-keys`, options)).use(itemRoutes(`${prefix}/access-keys`, options));
  return app;
}

function collectionRoutes(prefix: string, options: AccessKeyRoutesOptions) {
  const { accessKeys, users } = options;
  return new Elysia({ prefix, normalize: false })
    .get(
      "/",
      async ({ request, params, query }) => {
        const actor = actorOf(options, { request, params });
        const { limit = defaultPage, cursor = "", q = "", sort, userId = "" } = query;
        const arn = userId === "" ? "*" : (await users.get(actor.tenantId, userId)).arn;
        requireAction(options, { request, actor, arn }, "iam:ListAccessKeys");
        const { items, nextCursor } = await accessKeys.list(actor.tenantId, { limit, cursor, q, sort, userId });
        return { items: items.map(render), nextCursor };
      },
      { query: page, detail: ruleOf("access-keys", "iam:ListAccessKeys", pageAnswer(keySchema)) },
    )
    .post(
      "/",
      async ({ request, params, body, set }) => {
        const actor = actorOf(options, { request, params });
        const user = await findUser(options, actor, body.userName);
        requireKeyAction(options, { request, actor, user }, "iam:CreateAccessKey");
        const { policy = null, description = "", expiresAt = null, limits = {}, credentials } = body;
        const given = { policy, description, limits, expiresAtMs: parseEnd(expiresAt) };
        const key = { userId: user.userId, ...given, ...(credentials && { credentials }) };
        const { secretKey, ...view } = await accessKeys.create(actor, key);
        set.status = 201;
        set.headers["location"] = `${new URL(request.url).pathname.replace(/\/$/, "")}/${view.accessKeyId}`;
        set.headers["etag"] = renderEtag(view.revision);
        set.headers["cache-control"] = "no-store";
        return { ...render(view), secretKey };
      },
      {
        body: newKey,
        detail: { ...ruleOf("access-keys", "iam:CreateAccessKey", madeAnswer(madeKeySchema)), freshProof: true },
      },
    );
}

function itemRoutes(prefix: string, options: AccessKeyRoutesOptions) {
  const { accessKeys } = options;
  return new Elysia({ prefix, normalize: false })
    .get(
      "/:id",
      async ({ request, params, set }) => {
        const actor = actorOf(options, { request, params });
        const view = await find(options, { request, params }, [actor, "iam:ListAccessKeys"]);
        set.headers["etag"] = renderEtag(view.revision);
        return render(view);
      },
      { detail: ruleOf("access-keys", "iam:ListAccessKeys", shown) },
    )
    .patch(
      "/:id",
      async ({ request, params, body, set }) => {
        const editor = editorOf(options, { request, params });
        await find(options, { request, params }, [editor, "iam:UpdateAccessKey"]);
        const editsAllKeys = options.guard.isAllowed(request, "iam:UpdateAccessKey", "*");
        const actor = { ...editor, editsAllKeys };
        const { expiresAt, ...rest } = body;
        const patch: KeyPatch = { ...rest, ...(expiresAt !== undefined && { expiresAtMs: parseEnd(expiresAt) }) };
        const view = await accessKeys.update(actor, params.id, patch);
        set.headers["etag"] = renderEtag(view.revision);
        return render(view);
      },
      { body: keyPatch, detail: editRuleOf("access-keys", "iam:UpdateAccessKey", shown) },
    )
    .delete(
      "/:id",
      async ({ request, params, set }) => {
        // Taking a key away is urgent: no revision is asked for.
        const actor = actorOf(options, { request, params });
        await find(options, { request, params }, [actor, "iam:DeleteAccessKey"]);
        await accessKeys.remove(actor, params.id);
        set.status = 204;
      },
      { detail: ruleOf("access-keys", "iam:DeleteAccessKey", doneAnswer) },
    );
}

/** @throws ControlError InvalidRequest, so that a wrong name is not taken for a wrong path */
async function findUser({ users }: AccessKeyRoutesOptions, { tenantId }: Actor, name: string): Promise<UserView> {
  try {
    return await users.find(tenantId, name);
  } catch (error) {
    if (!(error instanceof ControlError) || error.code !== "NotFound") throw error;
    throw new ControlError("InvalidRequest", "There is no such user", [
      { pointer: "/userName", message: "There is no user of this name" },
    ]);
  }
}

/** @throws ControlError NotFound, Forbidden */
async function find(
  options: AccessKeyRoutesOptions,
  { request, params }: RoutedRequest,
  [actor, action]: readonly [actor: Actor, action: string],
): Promise<KeyView> {
  const view = await options.accessKeys.get(actor.tenantId, params?.["id"] ?? "");
  const user = await options.users.get(actor.tenantId, view.userId);
  requireKeyAction(options, { request, actor, user }, action);
  return view;
}

/** Asks the policies: of his own user a narrowed caller makes and revokes keys. @throws ControlError Forbidden naming the action */
function requireKeyAction(
  options: AccessKeyRoutesOptions,
  { request, actor, user }: { readonly request: Request; readonly actor: Actor; readonly user: UserView },
  action: string,
): void {
  if (user.userId === actor.caller.userId) options.guard.requireAllowed(request, action, { forOwnKeys: user.arn });
  else requireAction(options, { request, actor, arn: user.arn }, action);
}

function parseEnd(text: string | null): number | null {
  return text === null ? null : parseMoment(text, "/expiresAt");
}

function render({ createdAtMs, expiresAtMs, lastUsed, ...rest }: KeyView): object {
  const expiresAt = expiresAtMs === null ? null : renderTime(expiresAtMs);
  const lastUse = {
    lastUsedAt: lastUsed === null ? null : renderTime(lastUsed.atMs),
    lastUsedService: lastUsed?.service ?? null,
    lastUsedOperation: lastUsed?.operation ?? null,
  };
  return { ...rest, createdAt: renderTime(createdAtMs), expiresAt, ...lastUse };
}
