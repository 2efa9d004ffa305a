import { S3Error } from "../s3/s3-error.ts";
import type { Tag } from "../s3/tagging.ts";
import { readTagList } from "./read-tagging.ts";
import { findChild, maxXmlBytes, readOptionalText, readRoot } from "./xml-element.ts";

/** What the body of CreateBucket asks for. */
export interface CreateBucketConfiguration {
  /** 1 to 32 of `A-Za-z0-9-`; absent means us-east-1 or the server's region. */
  readonly locationConstraint?: string;
  readonly tags: readonly Tag[];
}

const locationShape = /^[A-Za-z0-9-]{1,32}$/;

/**
 * Reads the body of CreateBucket, 4 MiB at most; no body asks for nothing.
 * @throws S3Error MalformedXML, MaxMessageLengthExceeded; InvalidLocationConstraint (LocationConstraint) for a text that is
 * no region; InvalidTag as `validateTags`; NotImplemented for directory buckets.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
 */
export function readCreateBucket(bytes: Uint8Array): CreateBucketConfiguration {
  if (bytes.length === 0) return { tags: [] };
  const root = readRoot(bytes, "CreateBucketConfiguration", maxXmlBytes);
  if (findChild(root, "Bucket") !== undefined || findChild(root, "Location") !== undefined) {
    throw new S3Error("NotImplemented", { message: "Directory buckets are not implemented" });
  }
  const tagList = findChild(root, "Tags");
  const tags = tagList === undefined ? [] : readTagList(tagList, "bucket");
  const location = readOptionalText(root, "LocationConstraint")?.trim();
  if (location === undefined || location === "") return { tags };
  if (!locationShape.test(location)) {
    throw new S3Error("InvalidLocationConstraint", { fields: { LocationConstraint: location } });
  }
  return { locationConstraint: location, tags };
}
