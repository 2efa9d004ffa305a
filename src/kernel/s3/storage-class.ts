import { S3Error } from "./s3-error.ts";

/** Storage classes that are labels here: stored, listed and echoed, same bytes. */
export const storageClasses = [
  "STANDARD",
  "REDUCED_REDUNDANCY",
  "STANDARD_IA",
  "ONEZONE_IA",
  "INTELLIGENT_TIERING",
  "GLACIER_IR",
] as const;

/** A storage class an object may carry; `STANDARD` is not sent in headers. */
export type StorageClass = (typeof storageClasses)[number];

const byName: ReadonlyMap<string, StorageClass> = new Map(storageClasses.map((name) => [name, name]));

/**
 * Parses `x-amz-storage-class`; `STANDARD` when absent.
 * @throws S3Error InvalidStorageClass for any other text, archive classes included.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-class-intro.html
 */
export function parseStorageClass(text: string | undefined): StorageClass {
  if (text === undefined) return "STANDARD";
  const storageClass = byName.get(text);
  if (storageClass === undefined) throw new S3Error("InvalidStorageClass");
  return storageClass;
}
