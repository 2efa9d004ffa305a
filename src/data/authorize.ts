import type { BucketEntry, KeyEntry } from "#kernel/protocol/snapshot.ts";

/** Who asks: the holder of an access key, or nobody in particular. */
export type Identity = { readonly kind: "key"; readonly key: KeyEntry } | { readonly kind: "anonymous" };

/** What a caller wants to do. */
export interface WantedAccess {
  /** For example `s3:GetObject`. */
  readonly action: string;
  /** ARN, `*` at service level. */
  readonly resource: string;
  /** Owner side of the resource, when it is a bucket or an object that exists. */
  readonly bucket?: BucketEntry;
}

/**
 * The one place that decides whether a request may do something; default deny. The policy engine takes its place:
 * until then an administrator may do everything, other keys what their grants list, in buckets of their own tenant,
 * and anonymous callers nothing.
 */
export function authorize(identity: Identity, { action, resource, bucket }: WantedAccess): boolean {
  if (identity.kind === "anonymous") return false;
  const { key } = identity;
  if (bucket && bucket.tenantId !== key.tenantId) return false;
  if (key.administrator) return true;
  return key.grants.some(
    (grant) =>
      grant.actions.some((pattern) => matches(pattern.toLowerCase(), action.toLowerCase())) &&
      grant.resources.some((pattern) => matches(pattern, resource)),
  );
}

/** `*` stands for any run, `?` for one character. Linear in pattern x text, no backtracking beyond the last star. */
export function matches(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let star = -1;
  let resume = 0;
  while (t < text.length) {
    const c = pattern[p];
    if (c === "*") {
      star = p++;
      resume = t;
    } else if (c !== undefined && (c === "?" || c === text[t])) {
      p++;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++resume;
    } else return false;
  }
  while (pattern[p] === "*") p++;
  return p === pattern.length;
}
