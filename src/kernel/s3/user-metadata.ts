import { S3Error } from "./s3-error.ts";

/**
 * User metadata in the order of first appearance: names in lower case without `x-amz-meta-`, values as latin1 strings of
 * the raw bytes. A list, not an object: a client may name an entry `__proto__`.
 */
export type UserMetadata = readonly (readonly [name: string, value: string])[];

/** Bytes of all names (without prefix) and values together. */
export const maxUserMetadataBytes = 2048;

/** What the header of an entry starts with. */
export const userMetadataPrefix = "x-amz-meta-";

const noMetadata: UserMetadata = [];

/**
 * Collects `x-amz-meta-*` from Node's flat list of names and values; values of a repeated name are joined with `,`.
 * @throws S3Error MetadataTooLarge (Size, MaxSizeAllowed) beyond `maxUserMetadataBytes`.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
 */
export function collectUserMetadata(rawHeaders: readonly string[]): UserMetadata {
  let entries: [string, string][] | undefined;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const header = rawHeaders[index] ?? "";
    if (!isMetadataHeader(header)) continue;
    const name = header.slice(userMetadataPrefix.length).toLowerCase();
    const value = rawHeaders[index + 1] ?? "";
    entries ??= [];
    const earlier = entries.find((entry) => entry[0] === name);
    if (earlier === undefined) entries.push([name, value]);
    else earlier[1] = `${earlier[1]},${value}`;
  }
  if (entries === undefined) return noMetadata;
  checkMetadataSize(entries);
  return entries;
}

/**
 * Checks the size of metadata that did not come in headers (forms, replicas). One character counts one byte.
 * @throws S3Error MetadataTooLarge (Size, MaxSizeAllowed) beyond `maxUserMetadataBytes`.
 */
function checkMetadataSize(metadata: UserMetadata): void {
  let sizeBytes = 0;
  for (const [name, value] of metadata) sizeBytes += name.length + value.length;
  if (sizeBytes > maxUserMetadataBytes) {
    throw new S3Error("MetadataTooLarge", { fields: { Size: sizeBytes, MaxSizeAllowed: maxUserMetadataBytes } });
  }
}

function isMetadataHeader(header: string): boolean {
  const length = userMetadataPrefix.length;
  if (header.length < length || header.charCodeAt(length - 1) !== 0x2d) return false;
  return header.startsWith(userMetadataPrefix) || header.slice(0, length).toLowerCase() === userMetadataPrefix;
}
