/**
 * When an action of an operation is asked for; without a condition it always is.
 * - `acl`: ACL or grants other than the default are sent; `tagging`: tags are sent (CreateBucket: in the body)
 * - `retention`, `legalHold`: mode and date, or a hold, are sent
 * - `objectLock`, `ownership`: CreateBucket with `x-amz-bucket-object-lock-enabled: true`, with `x-amz-object-ownership`
 * - `bypassesLock`: a GOVERNANCE lock really is bypassed, not when the header alone is sent
 * - `copiesTags`: the tagging directive is COPY, the default
 * - `replicatesDelete`, `replicatesTags`: the record of a replica removes something, carries tags
 */
export type ActionCondition =
  | "acl"
  | "tagging"
  | "retention"
  | "legalHold"
  | "objectLock"
  | "ownership"
  | "bypassesLock"
  | "copiesTags"
  | "replicatesDelete"
  | "replicatesTags";

/** One IAM action an operation needs. An operation with several needs each whose condition holds. */
export interface RequiredAction {
  /** With its service prefix, as a policy spells it, for example `s3:GetObject`. */
  readonly action: string;
  /** Replaces `action` when a version is named: by `versionId`, or in the copy source if `on` is `source`. */
  readonly versionAction?: string;
  /** Resource; `key` at bucket level means each key named in the body, the form or the result. */
  readonly on: "service" | "bucket" | "key" | "source";
  readonly when?: ActionCondition;
}

/** An action on the bucket, asked for only when `when` holds if given. */
export function onBucket(action: string, when?: ActionCondition): RequiredAction {
  return when === undefined ? { action, on: "bucket" } : { action, on: "bucket", when };
}

/** An action on the key; `versionAction` replaces it when a version is named. */
export function onKey(action: string, versionAction?: string): RequiredAction {
  return versionAction === undefined ? { action, on: "key" } : { action, versionAction, on: "key" };
}

/** An action on the key that is asked for only when `when` holds. */
export function onKeyWhen(action: string, when: ActionCondition): RequiredAction {
  return { action, on: "key", when };
}

/** What every operation needs that fixes the state of a new object: PutObject, CopyObject, CreateMultipartUpload, PostObject. */
export const newObjectActions: readonly RequiredAction[] = [
  onKey("s3:PutObject"),
  onKeyWhen("s3:PutObjectAcl", "acl"),
  onKeyWhen("s3:PutObjectTagging", "tagging"),
  onKeyWhen("s3:PutObjectRetention", "retention"),
  onKeyWhen("s3:PutObjectLegalHold", "legalHold"),
];
