import type { HeaderLookup } from "./header-lookup.ts";
import type { OperationSpec } from "./operation.ts";
import { S3Error } from "./s3-error.ts";

/**
 * Refuses headers that ask for protection, conditions or rights the operation would not give: the families
 * `x-amz-object-lock-*`, `x-amz-server-side-encryption*`, `x-amz-copy-source-server-side-encryption*`, `x-amz-write-*`,
 * `x-amz-acl`, `x-amz-grant-*`, `x-amz-if-*`. Other unknown headers are left alone. Headers that a presigned URL carries
 * in its query must be part of `headers`.
 * @throws S3Error NotImplemented (Header) for a header of a family that the operation does not know; InvalidArgument for
 * `x-amz-server-side-encryption` on GET and HEAD
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html, "Encryption"
 */
export function checkHeaderFamilies(spec: OperationSpec, headers: HeaderLookup): void {
  for (const name in headers) {
    if (!name.startsWith("x-amz-") || !isGuarded(name)) continue;
    if (headers[name] === undefined || spec.familyHeaders.has(name)) continue;
    throw refusal(spec, name);
  }
}

/** `name` starts with `x-amz-`; the next character rules out nearly all others. */
function isGuarded(name: string): boolean {
  switch (name.charCodeAt(6)) {
    case 0x61: // a
      return name === "x-amz-acl";
    case 0x63: // c
      return name.startsWith("copy-source-server-side-encryption", 6);
    case 0x67: // g
      return name.startsWith("grant-", 6);
    case 0x69: // i
      return name.startsWith("if-", 6);
    case 0x6f: // o
      return name.startsWith("object-lock-", 6);
    case 0x73: // s
      return name.startsWith("server-side-encryption", 6);
    case 0x77: // w
      return name.startsWith("write-", 6);
    default:
      return false;
  }
}

function refusal(spec: OperationSpec, name: string): S3Error {
  const isRead = spec.method === "GET" || spec.method === "HEAD";
  if (isRead && name === "x-amz-server-side-encryption") {
    return new S3Error("InvalidArgument", {
      message: "x-amz-server-side-encryption header is not supported for this operation",
      fields: { ArgumentName: name },
    });
  }
  return new S3Error("NotImplemented", {
    message: "A header you provided implies functionality that is not implemented",
    fields: { Header: name },
  });
}
