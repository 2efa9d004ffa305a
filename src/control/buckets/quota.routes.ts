import { Elysia, t } from "elysia";
import { originOfCaller } from "../audit/origin-of-caller.ts";
import type { Caller } from "../http/caller.ts";
import { RefusedError } from "../http/control-error.ts";
import { parseIfMatch, renderEtag } from "../http/entity-tag.ts";
import { itemAnswer, valueAnswer } from "../http/route-answer.ts";
import { wholeNumber } from "../http/whole-number.ts";
import type { AllowsCaller } from "../session/credential-narrowing.ts";
import type { BucketQuotas, NamedBucket } from "./bucket-quotas.ts";

const bound = t.Union([wholeNumber({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }), t.Null()]);
const strict = { additionalProperties: false };
const quotaBody = t.Object({ maxBytes: bound, maxObjects: bound }, strict);
const shown = itemAnswer(t.Object({ ...quotaBody.properties }, { $id: "BucketQuota", ...strict }));
const whole = t.Integer({ minimum: 0 });
const usage = valueAnswer(t.Object({ bytes: whole, objects: whole }, { $id: "BucketUsage", ...strict }));

/** What the routes stand on. */
export interface QuotaRoutesOptions {
  readonly quotas: BucketQuotas;
  /** Who makes a request that the guard let through. */
  readonly callerOf: (request: Request) => Caller;
  readonly allows: AllowsCaller;
}

/**
 * `/api/v1/buckets/{bucket}/quota` and `.../usage`: the bounds of a bucket and what it holds; global administrators reach
 * those of a tenant below `/api/v1/tenants/{tenant}`. A quota names both bounds; `null` is unlimited,
 * 0 is zero. The ETag is the bucket's revision.
 */
export function quotaRoutes(options: QuotaRoutesOptions) {
  return new Elysia({ normalize: false })
    .use(routesBelow("/api/v1/buckets", "T", options))
    .use(routesBelow("/api/v1/tenants/:tenant/buckets", "G", options));
}

function routesBelow(prefix: string, scope: "T" | "G", { quotas, callerOf, allows }: QuotaRoutesOptions) {
  // The guard keeps those of other tenants from all but global administrators.
  const rule = { tags: ["buckets"], scope, ...(scope === "T" && { decidedBy: "route" }) };
  const read = { ...rule, action: "s3:ListBucket" };
  const update = { ...rule, action: "maxiofs:SetBucketQuota" };
  const find = (request: Request, params: Readonly<Record<string, string>>, action: string): NamedBucket => {
    const caller = callerOf(request);
    const { bucket: name = "", tenant = caller.tenantId } = params;
    if (!allows(caller, action, `arn:aws:s3:::${name}`)) throw new RefusedError(action);
    return { name, tenantId: tenant };
  };
  return new Elysia({ prefix, normalize: false })
    .get(
      "/:bucket/quota",
      async ({ request, params, set }) => {
        const { quota, revision } = await quotas.read(find(request, params, read.action));
        set.headers["etag"] = renderEtag(revision);
        return render(quota);
      },
      { detail: { ...read, answer: shown } },
    )
    .put(
      "/:bucket/quota",
      async ({ request, params, body, set }) => {
        const bucket = find(request, params, update.action);
        const revision = parseIfMatch(request.headers.get("if-match"));
        const origin = originOfCaller(callerOf(request));
        const changed = await quotas.set(bucket, { quota: body, revision, origin });
        set.headers["etag"] = renderEtag(changed.revision);
        return render(changed.quota);
      },
      { body: quotaBody, detail: { ...update, ifMatch: true, answer: shown } },
    )
    .get("/:bucket/usage", ({ request, params }) => quotas.readUsage(find(request, params, read.action)), {
      detail: { ...read, answer: usage },
    });
}

function render({ maxBytes = null, maxObjects = null }: { maxBytes?: number | null; maxObjects?: number | null }) {
  return { maxBytes, maxObjects };
}
