import { type DeleteConditions, parseDeleteConditionTexts } from "../s3/conditional-request.ts";
import { S3Error } from "../s3/s3-error.ts";
import type { XmlElement } from "./read-xml.ts";
import { maxLargeXmlBytes, readBoolean, readOptionalText, readRoot, readText } from "./xml-element.ts";

/** Keys per DeleteObjects. */
export const maxDeleteKeys = 1000;

/** One object to delete, in the order of the request. Key length and version id are judged per key, not here. */
export interface ObjectToDelete {
  /** Not empty; may be longer than a key can be. */
  readonly key: string;
  /** As sent, the empty text too. */
  readonly versionId?: string;
  readonly conditions: DeleteConditions;
}

/** The body of DeleteObjects: 1 to `maxDeleteKeys` objects. */
export interface DeleteObjectsRequest {
  readonly objects: readonly ObjectToDelete[];
  /** Leave successes out of the answer. */
  readonly quiet: boolean;
}

/**
 * Reads the body of DeleteObjects, 8 MiB at most.
 * @throws S3Error MalformedXML (no object or more than `maxDeleteKeys`, no key, unreadable condition),
 * MaxMessageLengthExceeded.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
 */
export function readDeleteObjects(bytes: Uint8Array): DeleteObjectsRequest {
  const root = readRoot(bytes, "Delete", maxLargeXmlBytes);
  const objects: ObjectToDelete[] = [];
  for (const child of root.children) {
    if (child.name !== "Object") continue;
    if (objects.length === maxDeleteKeys) throw new S3Error("MalformedXML");
    objects.push(readObject(child));
  }
  if (objects.length === 0) throw new S3Error("MalformedXML");
  return { objects, quiet: readBoolean(root, "Quiet") };
}

function readObject(element: XmlElement): ObjectToDelete {
  const key = readText(element, "Key");
  if (key === "") throw new S3Error("MalformedXML");
  const versionId = readOptionalText(element, "VersionId");
  const conditions = readConditions(element);
  return versionId === undefined ? { key, conditions } : { key, versionId, conditions };
}

function readConditions(element: XmlElement): DeleteConditions {
  const texts = {
    etag: readOptionalText(element, "ETag"),
    lastModified: readOptionalText(element, "LastModifiedTime")?.trim(),
    size: readOptionalText(element, "Size")?.trim(),
  };
  try {
    return parseDeleteConditionTexts(texts);
  } catch {
    throw new S3Error("MalformedXML");
  }
}
