import { Elysia, t } from "elysia";
import type { PolicyHolder } from "#kernel/protocol/identities.ts";
import { ControlError } from "../http/control-error.ts";
import { renderEtag } from "../http/entity-tag.ts";
import { editedAnswer, itemAnswer } from "../http/route-answer.ts";
import { type AskedIdentity, identityValues, policyArnOf } from "./asked-edits.ts";
import type { AskedValues } from "./caller-request.ts";
import type { Changed, Holders } from "./holders.ts";
import { inlinePolicySchema } from "./identity-answers.ts";
import {
  actorOf,
  documentBody,
  editorOf,
  editRuleOf,
  type IdentityRoutesBase,
  identityPrefixes,
  longNameText,
  type RoutedRequest,
  requireAction,
  ruleOf,
} from "./identity-routes.ts";
import type { Actor } from "./identity-work.ts";

/** An identity as shown. */
type View = AskedIdentity & { readonly revision: number };

/** An action, and values of condition keys that the call has beside the identity's. */
type Asked = readonly [action: string, values?: AskedValues];

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
        const values = { "iam:PolicyARN": policyArnOf(options.publisher, params.policy) };
        const { actor, id } = await findEdited(options, { request, params }, [attach, values]);
        answerEdit(set, await holders.attach(actor, id, params.policy));
      },
      { detail: editRuleOf(segment, attach, editedAnswer) },
    )
    .delete(
      "/:id/policies/:policy",
      async ({ request, params, set }) => {
        const values = { "iam:PolicyARN": policyArnOf(options.publisher, params.policy) };
        const { actor, id } = await findEdited(options, { request, params }, [detach, values]);
        answerEdit(set, await holders.detach(actor, id, params.policy));
      },
      { detail: editRuleOf(segment, detach, editedAnswer) },
    );
}

function inlineRoutes<Entry extends PolicyHolder>(options: HolderRoutesOptions<Entry>) {
  const { segment, noun, holders } = options;
  const [read, write, remove] = [`iam:Get${noun}Policy`, `iam:Put${noun}Policy`, `iam:Delete${noun}Policy`];
  return new Elysia({ normalize: false })
    .get(
      "/:id/inline-policies/:name",
      async ({ request, params, set }) => {
        const view = await find(options, { request, params }, [read]);
        const policy = view.inlinePolicies.find(({ name }) => name === params.name);
        if (policy === undefined) throw new ControlError("NotFound");
        set.headers["etag"] = renderEtag(view.revision);
        return { name: policy.name, document: policy.text };
      },
      { detail: ruleOf(segment, read, itemAnswer(inlinePolicySchema)) },
    )
    .put(
      "/:id/inline-policies/:name",
      async ({ request, params, body, set }) => {
        const { actor, id } = await findEdited(options, { request, params }, [write]);
        answerEdit(set, await holders.putInline(actor, id, { name: params.name, text: body.document }));
      },
      { params: inlineParams, body: documentBody, detail: editRuleOf(segment, write, editedAnswer) },
    )
    .delete(
      "/:id/inline-policies/:name",
      async ({ request, params, set }) => {
        const { actor, id } = await findEdited(options, { request, params }, [remove]);
        answerEdit(set, await holders.deleteInline(actor, id, params.name));
      },
      { detail: editRuleOf(segment, remove, editedAnswer) },
    );
}

/** The identity of a path, which policies let the caller do this to. @throws ControlError NotFound, Forbidden */
async function find<Entry extends PolicyHolder>(
  options: HolderRoutesOptions<Entry>,
  routed: RoutedRequest,
  [action, values = {}]: Asked,
): Promise<View> {
  const actor = actorOf(options, routed);
  const view = await options.get(actor.tenantId, routed.params?.["id"] ?? "");
  const all = { ...identityValues(options.publisher, view), ...values };
  requireAction(options, { request: routed.request, actor, arn: view.arn, values: all }, action);
  return view;
}

/** The same, to be edited. @throws ControlError also PreconditionRequired, PreconditionFailed */
async function findEdited<Entry extends PolicyHolder>(
  options: HolderRoutesOptions<Entry>,
  routed: RoutedRequest,
  asked: Asked,
): Promise<{ readonly actor: Actor; readonly id: string }> {
  await find(options, routed, asked);
  return { actor: editorOf(options, routed), id: routed.params?.["id"] ?? "" };
}

/** 204, with the revision that the identity has now. */
function answerEdit(
  set: { status?: number | string; readonly headers: Record<string, string | number> },
  { revision }: Pick<Changed<unknown>, "revision">,
): void {
  set.status = 204;
  set.headers["etag"] = renderEtag(revision);
}
