import { decodeKeyBytes, maxKeyBytes, type ObjectKey, parseObjectKey } from "./object-key.ts";
import { S3Error } from "./s3-error.ts";

/** What a copy reads. `bucket` is as sent: look it up, it may be no possible name. */
export interface CopySource {
  readonly bucket: string;
  readonly key: ObjectKey;
  readonly versionId?: string;
}

const versionMark = "?versionId=";
/** Version ids of other sites may have up to this many bytes. */
const maxVersionIdBytes = maxKeyBytes;
const printable = /^[\x20-\x7e]+$/;

/**
 * Parses `x-amz-copy-source`: `[/]bucket/key[?versionId=id]`, percent-encoded as a whole or by parts; `+` stays `+`.
 * The last raw `?versionId=` starts the id; any other `?` belongs to the key.
 * @throws S3Error InvalidArgument (ArgumentName, ArgumentValue) for a bad escape, no bucket, no key, a bad version id;
 * InvalidRequest for an ARN; KeyTooLongError for the key.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
 */
export function parseCopySource(header: string): CopySource {
  const markAt = header.lastIndexOf(versionMark);
  const path = decodePart(markAt === -1 ? header : header.slice(0, markAt), header);
  const start = path.startsWith("/") ? 1 : 0;
  if (path.startsWith("arn:", start)) {
    throw new S3Error("InvalidRequest", { message: "A copy source must be given as bucket/key, not as an ARN" });
  }
  const slashAt = path.indexOf("/", start);
  const bucket = path.slice(start, slashAt === -1 ? path.length : slashAt);
  if (bucket === "") throw invalidSource("Invalid copy source bucket name", header);
  if (slashAt === -1 || slashAt + 1 === path.length) throw invalidSource("Invalid copy source object key", header);
  const key = parseObjectKey(path.slice(slashAt + 1));
  if (markAt === -1) return { bucket, key };
  const versionId = decodePart(header.slice(markAt + versionMark.length), header);
  if (versionId.length > maxVersionIdBytes || !printable.test(versionId)) {
    throw invalidSource("Invalid version id specified", header);
  }
  return { bucket, key, versionId };
}

function decodePart(encoded: string, header: string): string {
  try {
    return decodeKeyBytes(encoded);
  } catch {
    throw invalidSource("Invalid copy source encoding", header);
  }
}

function invalidSource(message: string, header: string): S3Error {
  return new S3Error("InvalidArgument", {
    message,
    fields: { ArgumentName: "x-amz-copy-source", ArgumentValue: header },
  });
}
