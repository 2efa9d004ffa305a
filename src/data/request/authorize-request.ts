import type { RequiredAction } from "#kernel/s3/required-action.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import type { S3Request } from "./s3-request.ts";

/** Canned ACLs that change nothing where the bucket's owner owns every object. */
const defaultAcls = new Set(["private", "bucket-owner-full-control"]);

/**
 * Asks for every action the operation's row names and the URL can answer. Actions on keys named in a body, on copy
 * sources, and those that depend on what is stored are asked for by the operation itself.
 * @throws S3Error AccessDenied
 */
export function authorizeRequest(request: S3Request): void {
  for (const required of request.spec.actions) {
    if (required.when !== undefined && !conditionHolds(required, request)) continue;
    requireAction(required, request);
  }
}

function requireAction(required: RequiredAction, request: S3Request): void {
  const { action } = required;
  const { name, level } = request.spec;
  if (required.on === "service") request.requireService(action);
  else if (required.on === "bucket" && name === "CreateBucket") request.requireService(action, request.bucketName);
  else if (required.on === "bucket" && name === "HeadBucket") requireHead(action, request);
  else if (required.on === "bucket") request.require(action, request.bucket);
  else if (required.on === "key" && level === "key") {
    const isVersion = request.versionId !== undefined;
    request.require((isVersion && required.versionAction) || action, request.bucket, request.key);
  }
}

/** HeadBucket tells the region even to those who may not see the bucket: SDKs follow it. */
function requireHead(action: string, request: S3Request): void {
  if (request.findRefusal(action, request.bucket) === undefined) return;
  throw new S3Error("AccessDenied", { headers: { "x-amz-bucket-region": request.bucket.region } });
}

function conditionHolds(required: RequiredAction, request: S3Request): boolean {
  switch (required.when) {
    case "acl":
      return sendsAcl(request);
    case "tagging":
      return request.header("x-amz-tagging") !== undefined || request.facts.has("aws:TagKeys");
    case "retention":
      return (
        request.header("x-amz-object-lock-mode") !== undefined ||
        request.header("x-amz-object-lock-retain-until-date") !== undefined
      );
    case "legalHold":
      return request.header("x-amz-object-lock-legal-hold") !== undefined;
    case "objectLock":
      return request.header("x-amz-bucket-object-lock-enabled")?.toLowerCase() === "true";
    case "ownership":
      return request.header("x-amz-object-ownership") !== undefined;
    default:
      return false;
  }
}

function sendsAcl(request: S3Request): boolean {
  const acl = request.header("x-amz-acl");
  if (acl !== undefined && !defaultAcls.has(acl)) return true;
  for (const name in request.headers) if (name.startsWith("x-amz-grant-")) return true;
  return false;
}
