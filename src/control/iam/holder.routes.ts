import { Elysia, t } from "elysia";
import type { PolicyHolder } from "#kernel/protocol/identities.ts";
import { ControlError } from "../http/control-error.ts";
import { renderEtag } from "../http/entity-tag.ts";
import type { Holders } from "./holders.ts";
import {
  actorOf,
  documentBody,
  type IdentityRoutesBase,
  identityPrefixes,
  longNameText,
  type RoutedRequest,
  requireAction,
  ruleOf,
} from "./identity-routes.ts";
import type { Actor } from "./identity-work.ts";

/** An identity as shown. */
type View = PolicyHolder & { readonly arn: string; readonly revision: number };

/** One kind of identity with policies. */
export interface HolderRoutesOptions<Entry extends PolicyHolder> extends IdentityRoutesBase {
  /** `users`, `groups`, `roles`. */
  readonly segment: string;
  readonly noun: "User" | "Group" | "Role";
  readonly holders: Holders<Entry>;
  readonly get: (tenantId: string, id: string) => Promise<View>;
}

const inlineParams = t.Object({
  tenant: t.Optional(t.String()),
  id: t.String(),
  name: longNameText,
});

/**
 * `.../{id}/policies/{policy}` attaches and detaches managed policies (PUT, DELETE), `.../{id}/inline-policies/{name}` reads, writes and
 * removes inline ones.
 */
export function holderRoutes<Entry extends PolicyHolder>(options: HolderRoutesOptions<Entry>) {
  const app = new Elysia({ normalize: false });
  for (const prefix of identityPrefixes) app.use(routesBelow(`${prefix}/${options.segment}`, options));
  return app;
}

function routesBelow<Entry extends PolicyHolder>(prefix: string, options: HolderRoutesOptions<Entry>) {
  return new Elysia({ prefix, normalize: false }).use(attachmentRoutes(options)).use(inlineRoutes(options));
}

function attachmentRoutes<Entry extends PolicyHolder>(options: HolderRoutesOptions<Entry>) {
  const { segment, noun, holders } = options;
  const [attach, detach] = [`iam:Attach${noun}Policy`, `iam:Detach${noun}Policy`];
  return new Elysia({ normalize: false })
    .put(
      "/:id/policies/:policy",
      async ({ request, params, set }) => {
        const { actor, id } = await find(options, { request, params }, attach);
        await holders.attach(actor, id, params.policy);
        set.status = 204;
      },
      { detail: ruleOf(segment, attach) },
    )
    .delete(
      "/:id/policies/:policy",
      async ({ request, params, set }) => {
        const { actor, id } = await find(options, { request, params }, detach);
        await holders.detach(actor, id, params.policy);
        set.status = 204;
      },
      { detail: ruleOf(segment, detach) },
    );
}

function inlineRoutes<Entry extends PolicyHolder>(options: HolderRoutesOptions<Entry>) {
  const { segment, noun, holders } = options;
  const [read, write, remove] = [`iam:Get${noun}Policy`, `iam:Put${noun}Policy`, `iam:Delete${noun}Policy`];
  return new Elysia({ normalize: false })
    .get(
      "/:id/inline-policies/:name",
      async ({ request, params, set }) => {
        const { view } = await find(options, { request, params }, read);
        const policy = view.inlinePolicies.find(({ name }) => name === params.name);
        if (policy === undefined) throw new ControlError("NotFound");
        set.headers["etag"] = renderEtag(view.revision);
        return { name: policy.name, document: policy.text };
      },
      { detail: ruleOf(segment, read) },
    )
    .put(
      "/:id/inline-policies/:name",
      async ({ request, params, body, set }) => {
        const { actor, id } = await find(options, { request, params }, write);
        await holders.putInline(actor, id, { name: params.name, text: body.document });
        set.status = 204;
      },
      { params: inlineParams, body: documentBody, detail: ruleOf(segment, write) },
    )
    .delete(
      "/:id/inline-policies/:name",
      async ({ request, params, set }) => {
        const { actor, id } = await find(options, { request, params }, remove);
        await holders.deleteInline(actor, id, params.name);
        set.status = 204;
      },
      { detail: ruleOf(segment, remove) },
    );
}

/** The identity of a path, which policies let the caller do this to. @throws ControlError NotFound, Forbidden */
async function find<Entry extends PolicyHolder>(
  options: HolderRoutesOptions<Entry>,
  routed: RoutedRequest,
  action: string,
): Promise<{ readonly actor: Actor; readonly id: string; readonly view: View }> {
  const actor = actorOf(options, routed);
  const id = routed.params?.["id"] ?? "";
  const view = await options.get(actor.tenantId, id);
  requireAction(options, { request: routed.request, actor, arn: view.arn }, action);
  return { actor, id, view };
}
