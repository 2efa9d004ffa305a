import type { RequiredAction } from "#kernel/s3/required-action.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import { authorize } from "../authorize.ts";
import { bucketArn, objectArn, type S3Request } from "../request/s3-request.ts";

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
    if (!allowsRequired(required, request)) throw denied(request);
  }
}

/** HeadBucket tells the region even to those who may not see the bucket: SDKs follow it. */
function denied(request: S3Request): S3Error {
  if (request.spec.name !== "HeadBucket") return new S3Error("AccessDenied");
  return new S3Error("AccessDenied", { headers: { "x-amz-bucket-region": request.bucket.region } });
}

function allowsRequired(required: RequiredAction, request: S3Request): boolean {
  switch (required.on) {
    case "service":
      return authorize(request.identity, { action: required.action, resource: "*" });
    case "bucket":
      if (request.spec.name === "CreateBucket")
        return authorize(request.identity, { action: required.action, resource: bucketArn(request.bucketName) });
      return request.allows(required.action, bucketArn(request.bucket.name), request.bucket);
    case "key": {
      if (request.spec.level !== "key") return true;
      const action = request.versionId === undefined ? required.action : (required.versionAction ?? required.action);
      return request.allows(action, objectArn(request.bucket.name, request.key), request.bucket);
    }
    case "source":
      return true;
  }
}

function conditionHolds(required: RequiredAction, request: S3Request): boolean {
  switch (required.when) {
    case "acl":
      return sendsAcl(request);
    case "tagging":
      return request.header("x-amz-tagging") !== undefined;
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
