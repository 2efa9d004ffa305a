import type { DecidingLayer, Decision } from "#kernel/policy/evaluate-access.ts";
import type { AccessedResource } from "#kernel/policy/evaluate-statement.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import type { Identity } from "../authorize.ts";

/** A request that policies refuse. */
export interface Refusal {
  readonly identity: Identity;
  readonly action: string;
  readonly resource: AccessedResource;
  readonly decision: Decision;
}

const layerNames: { readonly [Layer in DecidingLayer]: string } = {
  sessionPolicy: "session policy",
  keyPolicy: "key policy",
  boundary: "permissions boundary",
  identityPolicy: "identity-based policy",
  bucketPolicy: "bucket policy",
  trustPolicy: "trust policy",
  acl: "access control list",
  publicAccessBlock: "public access block",
  flag: "global administrator's flag",
};

/** The refusal of a request. Which layer refused is told to callers of the owner's account alone. */
export function accessDenied({ identity, action, resource, decision }: Refusal): S3Error {
  if (identity.kind === "anonymous") return new S3Error("AccessDenied");
  if (resource.account !== "" && resource.account !== identity.tenant.accountId) return new S3Error("AccessDenied");
  const layer = layerNames[decision.layer];
  const reason =
    decision.outcome === "explicitDeny"
      ? `with an explicit deny in a ${layer}`
      : `because no ${layer} allows the ${action} action`;
  const arn = resource.path === "*" ? "*" : `arn:aws:s3:::${resource.path}`;
  return new S3Error("AccessDenied", {
    message: `User: ${identity.arn} is not authorized to perform: ${action} on resource: "${arn}" ${reason}`,
  });
}
