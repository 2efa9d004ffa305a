import { flagShift } from "#kernel/protocol/mutation.ts";
import { type ChecksumAlgorithm, type ChecksumType, checksumSpecs } from "#kernel/s3/checksum.ts";
import { type StorageClass, storageClasses } from "#kernel/s3/storage-class.ts";
import type { UserMetadata } from "#kernel/s3/user-metadata.ts";
import type { WrappedKey } from "./crypto/object-key-ring.ts";

/** Response headers stored with an object, by lower-case name; the allow-list of what a client can store. */
export const storedHeaderNames = [
  "content-type",
  "content-encoding",
  "content-disposition",
  "content-language",
  "cache-control",
  "expires",
  "x-amz-website-redirect-location",
] as const;

/** A header of the allow-list. */
export type StoredHeaderName = (typeof storedHeaderNames)[number];

/** Values as the very bytes that came, one character each (latin1). */
export type StoredHeaders = Readonly<Partial<Record<StoredHeaderName, string>>>;

/** A checksum as it is rendered: `value` is base64, with `-N` when composite. */
export interface ObjectChecksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly type: ChecksumType;
  readonly value: string;
}

/** What a version says of itself; immutable, stored as JSON in its detail row. */
export interface ObjectMeta {
  readonly headers: StoredHeaders;
  readonly user: UserMetadata;
  readonly storageClass: StorageClass;
  readonly checksum: ObjectChecksum | null;
  /** Data key; version 0 means wrapped by the client's own key (SSE-C). */
  readonly key: WrappedKey;
  /** Base64 MD5 of the client's key, under SSE-C. */
  readonly customerKeyMd5?: string;
  /** Number of parts, for objects made by a multipart upload. */
  readonly partCount?: number;
  /** Number of appends since the object was made by another operation. */
  readonly appendCount?: number;
}

/** What an upload fixes when it is created. */
export interface UploadMeta extends Omit<ObjectMeta, "checksum" | "partCount" | "appendCount"> {
  readonly attributes: string | null;
  readonly checksumAlgorithm: ChecksumAlgorithm | null;
  readonly checksumType: ChecksumType | null;
  readonly initiator: { readonly id: string; readonly displayName: string };
}

/** Things of a version that can change without a new one. */
export interface ObjectAttributes {
  readonly tags?: readonly (readonly [key: string, value: string])[];
}

/** Bits of checksum and storage class for the version's row, so that listings need no detail. */
export function encodeFlags(checksum: ObjectChecksum | null, storageClass: StorageClass): number {
  const algorithm = checksum ? checksumSpecs.findIndex((spec) => spec.name === checksum.algorithm) + 1 : 0;
  const composite = checksum?.type === "COMPOSITE" ? 1 : 0;
  return (
    (algorithm << flagShift.checksum) |
    (composite << flagShift.composite) |
    (storageClasses.indexOf(storageClass) << flagShift.storageClass)
  );
}

/** Reads back what `encodeFlags` wrote. */
export function decodeFlags(flags: number): {
  algorithm: ChecksumAlgorithm | undefined;
  type: ChecksumType;
  storageClass: StorageClass;
} {
  const algorithm = checksumSpecs[((flags >> flagShift.checksum) & 15) - 1]?.name;
  const type = (flags >> flagShift.composite) & 1 ? "COMPOSITE" : "FULL_OBJECT";
  return { algorithm, type, storageClass: storageClasses[(flags >> flagShift.storageClass) & 15] ?? "STANDARD" };
}

/** Parses the JSON of a detail row. */
export function parseObjectMeta(json: string): ObjectMeta {
  return JSON.parse(json) as ObjectMeta;
}

/** Parses the JSON of a version's attributes; none when there is no text. */
export function parseObjectAttributes(json: string | null): ObjectAttributes {
  return json === null ? {} : (JSON.parse(json) as ObjectAttributes);
}

/** Parses the JSON of an upload row. */
export function parseUploadMeta(json: string): UploadMeta {
  return JSON.parse(json) as UploadMeta;
}
