import { Elysia } from "elysia";
import { renderEtag } from "../http/entity-tag.ts";
import { doneAnswer, itemAnswer, pageAnswer } from "../http/route-answer.ts";
import {
  actorOf,
  editorOf,
  editRuleOf,
  type IdentityRoutesBase,
  pageQuery,
  type Question,
  type RoutedRequest,
  renderTime,
  requireAction,
  ruleOf,
  wantedPage,
} from "./identity-routes.ts";
import type { Actor, Page, PageWanted } from "./identity-work.ts";

/** One kind of thing that identities are made of, as its routes find, show and remove it. */
export interface IdentityKind<View> {
  /** `users`, `groups`, `roles`, `policies`. */
  readonly segment: string;
  /** As actions name one of it, and all. */
  readonly nouns: readonly [one: string, all: string];
  readonly schema: Parameters<typeof itemAnswer>[0];
  readonly service: {
    list(tenantId: string, wanted: PageWanted): Promise<Page<View>>;
    get(tenantId: string, id: string): Promise<View>;
    remove(actor: Actor, id: string): Promise<void>;
  };
  readonly idOf: (view: View) => string;
  /** What policies are asked about it. */
  readonly askedOf: (view: View) => Pick<Question, "arn" | "values">;
  readonly render: (view: View) => object;
}

/** The part of an answer that is made before it. */
export interface AnswerHead {
  status?: number | string;
  readonly headers: Record<string, string | number>;
}

/** The routes that each kind has, and what those of its own share with them. */
export class KindRoutes<View extends { readonly revision: number }> {
  readonly #base: IdentityRoutesBase;
  readonly #kind: IdentityKind<View>;

  constructor(base: IdentityRoutesBase, kind: IdentityKind<View>) {
    this.#base = base;
    this.#kind = kind;
  }

  /** List, read, remove. @param prefix above the kind's segment */
  below(prefix: string) {
    const { segment, nouns, schema, service, render } = this.#kind;
    const [list, read, remove] = [`iam:List${nouns[1]}`, `iam:Get${nouns[0]}`, `iam:Delete${nouns[0]}`];
    return new Elysia({ prefix: `${prefix}/${segment}`, normalize: false })
      .get(
        "/",
        async ({ request, params, query }) => {
          const actor = actorOf(this.#base, { request, params });
          requireAction(this.#base, { request, actor, arn: "*" }, list);
          const { items, nextCursor } = await service.list(actor.tenantId, wantedPage(query));
          return { items: items.map(render), nextCursor };
        },
        { query: pageQuery, detail: ruleOf(segment, list, pageAnswer(schema)) },
      )
      .get(
        "/:id",
        async ({ request, params, set }) => {
          const actor = actorOf(this.#base, { request, params });
          return this.show(set, await this.find({ request, params }, [actor, read]));
        },
        { detail: ruleOf(segment, read, itemAnswer(schema)) },
      )
      .delete(
        "/:id",
        async ({ request, params, set }) => {
          const actor = editorOf(this.#base, { request, params });
          await this.find({ request, params }, [actor, remove]);
          await service.remove(actor, params.id);
          set.status = 204;
        },
        { detail: editRuleOf(segment, remove, doneAnswer) },
      );
  }

  /** What the path names, when policies let the caller do this to it. @throws ControlError NotFound, Forbidden */
  async find(
    { request, params }: RoutedRequest,
    [actor, action]: readonly [actor: Actor, action: string],
  ): Promise<View> {
    const view = await this.#kind.service.get(actor.tenantId, params?.["id"] ?? "");
    requireAction(this.#base, { request, actor, ...this.#kind.askedOf(view) }, action);
    return view;
  }

  /** The answer that shows one, with its revision. */
  show(set: AnswerHead, view: View): object {
    set.headers["etag"] = renderEtag(view.revision);
    return this.#kind.render(view);
  }

  /** The answer to who made one. */
  showMade({ request, set }: { readonly request: Request; readonly set: AnswerHead }, view: View): object {
    set.status = 201;
    set.headers["location"] = `${new URL(request.url).pathname.replace(/\/$/, "")}/${this.#kind.idOf(view)}`;
    return this.show(set, view);
  }
}

/** What has policies, as the API shows it: inline ones by their names. */
export function renderHolder<View extends { inlinePolicies: readonly { name: string }[]; createdAtMs: number }>({
  inlinePolicies,
  createdAtMs,
  ...rest
}: View) {
  return { ...rest, inlinePolicies: inlinePolicies.map(({ name }) => name), createdAt: renderTime(createdAtMs) };
}

/** Account of the tenant that is acted on. */
export function accountOf({ publisher }: IdentityRoutesBase, { tenantId }: Actor): string {
  return publisher.entries("tenant").get(tenantId)?.accountId ?? "";
}
