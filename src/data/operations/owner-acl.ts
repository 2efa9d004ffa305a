import type { BucketEntry } from "#kernel/protocol/snapshot.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import { readAccessControlPolicy } from "#kernel/xml/read-access-control-policy.ts";
import { renderElement, renderTextElement, renderXmlDocument } from "#kernel/xml/write-xml.ts";
import { maxXmlBytes } from "#kernel/xml/xml-element.ts";
import { readSmallBody } from "../request/read-small-body.ts";
import type { S3Request } from "../request/s3-request.ts";
import { checkAcl } from "./new-object.ts";

/** The one ACL under BucketOwnerEnforced: full control for the bucket's owner. Source: API_GetBucketAcl. */
export function renderOwnerAcl({ ownerCanonicalId, ownerDisplayName }: BucketEntry): string {
  const owner = renderTextElement("ID", ownerCanonicalId) + renderTextElement("DisplayName", ownerDisplayName);
  const grantee = `<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser">${owner}</Grantee>`;
  const grant = renderElement("Grant", grantee + renderTextElement("Permission", "FULL_CONTROL"));
  return renderXmlDocument(
    "AccessControlPolicy",
    renderElement("Owner", owner) + renderElement("AccessControlList", grant),
  );
}

/**
 * Takes the ACL of a PutBucketAcl or PutObjectAcl if it changes nothing: `private`, `bucket-owner-full-control`, or the
 * document that reads give. Clients send it after each copy.
 * @throws S3Error AccessControlListNotSupported for any other ACL; MissingSecurityHeader without one; UnexpectedContent for
 * header and document at once; MalformedACLError, MalformedXML for the document
 */
export async function requireOwnerAcl(request: S3Request): Promise<void> {
  checkAcl(request);
  const body = await readSmallBody(request, maxXmlBytes);
  const hasHeader = request.header("x-amz-acl") !== undefined;
  if (hasHeader && body.length > 0) throw new S3Error("UnexpectedContent");
  if (hasHeader) return;
  if (body.length === 0) throw new S3Error("MissingSecurityHeader", { fields: { MissingHeaderName: "x-amz-acl" } });
  const { ownerId, grants } = readAccessControlPolicy(body);
  const { ownerCanonicalId } = request.bucket;
  const [grant] = grants;
  const changesNothing =
    ownerId === ownerCanonicalId &&
    grants.length === 1 &&
    grant?.permission === "FULL_CONTROL" &&
    grant.grantee.kind === "id" &&
    grant.grantee.id === ownerCanonicalId;
  if (!changesNothing) throw new S3Error("AccessControlListNotSupported");
}
