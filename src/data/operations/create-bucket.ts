import { tagValues } from "#kernel/policy/condition-keys.ts";
import type { IdentityTag } from "#kernel/protocol/identities.ts";
import { isBucketName, parseBucketName } from "#kernel/s3/bucket-name.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import { readCreateBucket } from "#kernel/xml/read-create-bucket.ts";
import { maxXmlBytes } from "#kernel/xml/xml-element.ts";
import { authorizeRequest } from "../request/authorize-request.ts";
import { callOriginOf } from "../request/call-origin.ts";
import { readSmallBody } from "../request/read-small-body.ts";
import { respondEmpty } from "../request/respond.ts";
import type { S3Request } from "../request/s3-request.ts";

const regionPattern = /^[A-Za-z0-9-]{1,32}$/;
const ownershipValues = new Set(["BucketOwnerEnforced"]);
const ownerAcls = new Set(["private"]);

/** CreateBucket. The name is reserved and the catalog made and synced before the answer. Source: API_CreateBucket. */
export async function createBucket(request: S3Request): Promise<void> {
  const name = parseBucketName(request.bucketName);
  checkBucketHeaders(request);
  const body = await readSmallBody(request, maxXmlBytes);
  const configuration = body.length === 0 ? undefined : readCreateBucket(body);
  const region = chooseRegion(request, configuration?.locationConstraint);
  const tags = (configuration?.tags ?? []).map((tag) => [tag.key, tag.value] as const);
  authorizeBody(request, configuration?.locationConstraint, tags);
  try {
    await request.plane.control.call({
      kind: "createBucket",
      name,
      tenantId: request.signer.tenant.tenantId,
      region,
      tags,
      origin: callOriginOf(request),
    });
  } catch (error) {
    if (!isRepeated(error, request)) throw error;
  }
  respondEmpty(request, 200, { Location: `/${name}` });
}

/** What the body asks for may be forbidden, or need rights of its own. @throws S3Error AccessDenied */
function authorizeBody(request: S3Request, constraint: string | undefined, tags: readonly IdentityTag[]): void {
  if (constraint !== undefined && constraint !== "") request.facts.set("s3:LocationConstraint", constraint);
  for (const [key, value] of tagValues("aws:RequestTag/", tags)) request.facts.set(key, value);
  const keys = tags.map(([key]) => key);
  if (keys.length > 0) request.facts.set("aws:TagKeys", keys);
  if (request.facts.size > 0) authorizeRequest(request);
}

/** In us-east-1 the owner's repeated creation is an identical 200. */
function isRepeated(error: unknown, request: S3Request): boolean {
  if (!(error instanceof S3Error) || error.code !== "BucketAlreadyOwnedByYou") return false;
  return request.plane.snapshot.settings["s3.region"] === "us-east-1" && isBucketName(request.bucketName);
}

function chooseRegion(request: S3Request, constraint: string | undefined): string {
  const { settings } = request.plane.snapshot;
  const region = settings["s3.region"];
  if (constraint === undefined || constraint === "") return region;
  const legal = settings["s3.strict_region"] ? constraint === region : regionPattern.test(constraint);
  if (!legal) {
    throw new S3Error(
      settings["s3.strict_region"] ? "IllegalLocationConstraintException" : "InvalidLocationConstraint",
      {
        fields: { LocationConstraint: constraint },
      },
    );
  }
  return constraint;
}

/** @throws S3Error for what a bucket cannot be made with: lock, ACLs, other ownership */
function checkBucketHeaders(request: S3Request): void {
  const lock = request.header("x-amz-bucket-object-lock-enabled");
  if (lock !== undefined && lock.toLowerCase() !== "false") throw notImplemented("x-amz-bucket-object-lock-enabled");
  const ownership = request.header("x-amz-object-ownership");
  if (ownership !== undefined && !ownershipValues.has(ownership)) throw notImplemented("x-amz-object-ownership");
  const acl = request.header("x-amz-acl");
  if (acl !== undefined && !ownerAcls.has(acl)) throw new S3Error("InvalidBucketAclWithObjectOwnership");
  for (const name in request.headers)
    if (name.startsWith("x-amz-grant-")) throw new S3Error("InvalidBucketAclWithObjectOwnership");
}

function notImplemented(header: string): S3Error {
  return new S3Error("NotImplemented", { fields: { Header: header } });
}
