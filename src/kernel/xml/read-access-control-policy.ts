import { S3Error } from "../s3/s3-error.ts";
import type { XmlElement } from "./read-xml.ts";
import { findChild, maxXmlBytes, readOptionalText, readRoot, readText } from "./xml-element.ts";

/** Most grants of one ACL. Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html */
export const maxGrants = 100;

const permissions = ["FULL_CONTROL", "READ", "WRITE", "READ_ACP", "WRITE_ACP"] as const;

/** What a grant allows. */
export type AclPermission = (typeof permissions)[number];

/** Whom a grant is for: one owner by canonical id or e-mail address, or a group by its URI. */
export type Grantee =
  | { readonly kind: "id"; readonly id: string }
  | { readonly kind: "email"; readonly emailAddress: string }
  | { readonly kind: "group"; readonly uri: string };

/** One grant of an ACL. */
export interface Grant {
  readonly grantee: Grantee;
  readonly permission: AclPermission;
}

/** An ACL as a document says it. */
export interface AccessControlPolicy {
  /** Canonical id; undefined when the document names no owner. */
  readonly ownerId: string | undefined;
  readonly grants: readonly Grant[];
}

/**
 * Reads the body of PutBucketAcl and PutObjectAcl (`AccessControlPolicy`), 4 MiB at most.
 * @throws S3Error MalformedXML when it is no XML; MaxMessageLengthExceeded; MalformedACLError when it has another root, an
 * element it may not have, a grantee that is not exactly one, an unknown permission, or more than `maxGrants` grants.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_AccessControlPolicy.html
 */
export function readAccessControlPolicy(bytes: Uint8Array): AccessControlPolicy {
  const root = readRoot(bytes, "AccessControlPolicy", maxXmlBytes);
  requireNames(root, ["Owner", "AccessControlList"]);
  const owner = findChild(root, "Owner");
  const list = findChild(root, "AccessControlList");
  if (owner !== undefined) requireNames(owner, ["ID", "DisplayName"]);
  if (list === undefined) throw malformed();
  requireNames(list, ["Grant"]);
  if (list.children.length > maxGrants) throw malformed();
  return { ownerId: owner && readOptionalText(owner, "ID")?.trim(), grants: list.children.map(readGrant) };
}

function readGrant(grant: XmlElement): Grant {
  requireNames(grant, ["Grantee", "Permission"]);
  const grantee = findChild(grant, "Grantee");
  const text = readText(grant, "Permission").trim();
  const permission = permissions.find((known) => known === text);
  if (grantee === undefined || permission === undefined) throw malformed();
  return { grantee: readGrantee(grantee), permission };
}

/** The kind follows from the element that is there; `xsi:type` says the same once more. */
function readGrantee(element: XmlElement): Grantee {
  requireNames(element, ["ID", "DisplayName", "EmailAddress", "URI"]);
  const id = readOptionalText(element, "ID")?.trim();
  const emailAddress = readOptionalText(element, "EmailAddress")?.trim();
  const uri = readOptionalText(element, "URI")?.trim();
  const found: Grantee[] = [];
  if (id !== undefined) found.push({ kind: "id", id });
  if (emailAddress !== undefined) found.push({ kind: "email", emailAddress });
  if (uri !== undefined) found.push({ kind: "group", uri });
  const [grantee] = found;
  if (grantee === undefined || found.length > 1) throw malformed();
  return grantee;
}

function requireNames(element: XmlElement, names: readonly string[]): void {
  for (const child of element.children) if (!names.includes(child.name)) throw malformed();
}

function malformed(): S3Error {
  return new S3Error("MalformedACLError");
}
