import { decodeKeyBytes } from "./object-key.ts";
import { S3Error } from "./s3-error.ts";

/** A tag of an object or a bucket: key 1 to 128, value 0 to 256 UTF-16 code units. */
export interface Tag {
  readonly key: string;
  readonly value: string;
}

/** What carries tags. */
export type TagCarrier = "object" | "bucket";

/** Tags per object and per bucket. */
export const maxTags: Readonly<Record<TagCarrier, number>> = { object: 10, bucket: 50 };

const maxTagKeyUnits = 128;
const maxTagValueUnits = 256;
const allowedCharacters = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;
const headerMessage =
  "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.";

/**
 * Parses the value of `x-amz-tagging`, a URL query (`a=1&b=2`, `+` is a space); the empty text has no tags.
 * @throws S3Error InvalidArgument (ArgumentName, ArgumentValue) when malformed or with a name twice; InvalidTag as
 * `validateTags`.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
 */
export function parseTaggingHeader(query: string): readonly Tag[] {
  if (query === "") return [];
  const tags: Tag[] = [];
  const seen = new Set<string>();
  for (const pair of query.split("&")) {
    const equalsAt = pair.indexOf("=");
    const key = decodeText(equalsAt === -1 ? pair : pair.slice(0, equalsAt), query);
    if (pair === "" || seen.has(key)) throw malformedHeader(query);
    seen.add(key);
    tags.push({ key, value: equalsAt === -1 ? "" : decodeText(pair.slice(equalsAt + 1), query) });
  }
  validateTags(tags, "object");
  return tags;
}

/**
 * Checks count, lengths, characters and uniqueness of tags.
 * @throws S3Error InvalidTag (TagKey, TagValue).
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html
 */
export function validateTags(tags: readonly Tag[], carrier: TagCarrier): void {
  if (tags.length > maxTags[carrier]) {
    const subject = carrier === "object" ? "Object" : "Bucket";
    throw new S3Error("InvalidTag", { message: `${subject} tags cannot be greater than ${maxTags[carrier]}` });
  }
  const seen = new Set<string>();
  for (const { key, value } of tags) {
    const fields = { TagKey: key, TagValue: value };
    if (key === "" || key.length > maxTagKeyUnits || !allowedCharacters.test(key)) {
      throw new S3Error("InvalidTag", { message: "The TagKey you have provided is invalid", fields });
    }
    if (value.length > maxTagValueUnits || !allowedCharacters.test(value)) {
      throw new S3Error("InvalidTag", { message: "The TagValue you have provided is invalid", fields });
    }
    if (key.startsWith("aws:")) {
      throw new S3Error("InvalidTag", { message: "System tags cannot be added/updated by requester", fields });
    }
    if (seen.has(key)) {
      throw new S3Error("InvalidTag", { message: "Cannot provide multiple Tags with the same key", fields });
    }
    seen.add(key);
  }
}

/** Percent-decodes bytes given as latin1 characters, with the form rule that `+` is a space. */
function decodeText(encoded: string, query: string): string {
  try {
    return decodeKeyBytes(encoded.replaceAll("+", " "));
  } catch {
    throw malformedHeader(query);
  }
}

function malformedHeader(query: string): S3Error {
  return new S3Error("InvalidArgument", {
    message: headerMessage,
    fields: { ArgumentName: "x-amz-tagging", ArgumentValue: query },
  });
}
