import { S3Error } from "../s3/s3-error.ts";
import { type Tag, type TagCarrier, validateTags } from "../s3/tagging.ts";
import type { XmlElement } from "./read-xml.ts";
import { findChild, maxXmlBytes, readRoot, readText } from "./xml-element.ts";

/**
 * Reads the body of PutObjectTagging and PutBucketTagging (`Tagging`/`TagSet`/`Tag`), 4 MiB at most.
 * @throws S3Error MalformedXML, MaxMessageLengthExceeded; InvalidTag as `validateTags`.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectTagging.html
 */
export function readTagging(bytes: Uint8Array, carrier: TagCarrier): readonly Tag[] {
  const tagSet = findChild(readRoot(bytes, "Tagging", maxXmlBytes), "TagSet");
  if (tagSet === undefined) throw new S3Error("MalformedXML");
  return readTagList(tagSet, carrier);
}

/**
 * Reads the `Tag` children of an element.
 * @throws S3Error MalformedXML when one lacks key or value; InvalidTag as `validateTags`.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Tag.html
 */
export function readTagList(parent: XmlElement, carrier: TagCarrier): readonly Tag[] {
  const tags: Tag[] = [];
  for (const child of parent.children) {
    if (child.name === "Tag") tags.push({ key: readText(child, "Key"), value: readText(child, "Value") });
  }
  validateTags(tags, carrier);
  return tags;
}
