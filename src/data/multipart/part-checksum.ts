import { type ChecksumAlgorithm, checksumSpecs } from "#kernel/s3/checksum.ts";

/** A checksum of one part's bytes; `value` is base64. */
export interface PartChecksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly value: string;
}

const algorithmByName: ReadonlyMap<string, ChecksumAlgorithm> = new Map(checksumSpecs.map(({ name }) => [name, name]));

/**
 * The text a part's checksums are stored as: `ALGORITHM:base64`, the one that makes up the object's checksum first; behind a
 * space the client's own, when that is another one.
 */
export function encodePartChecksums(object: PartChecksum, own: PartChecksum | null): string {
  const text = encodePartChecksum(object);
  return own === null || own.algorithm === object.algorithm ? text : `${text} ${encodePartChecksum(own)}`;
}

/** `ALGORITHM:base64`. */
export function encodePartChecksum({ algorithm, value }: PartChecksum): string {
  return `${algorithm}:${value}`;
}

/** The checksums of a stored text, in its order; none for null. */
export function parsePartChecksums(text: string | null): readonly PartChecksum[] {
  if (text === null) return [];
  return text.split(" ").flatMap((item) => {
    const colon = item.indexOf(":");
    const algorithm = algorithmByName.get(item.slice(0, colon));
    return algorithm === undefined ? [] : [{ algorithm, value: item.slice(colon + 1) }];
  });
}

/** Whether a stored text holds the one checksum that a client lists, `ALGORITHM:base64`; it holds the lack of one. */
export function hasPartChecksum(stored: string | null, listed: string | null): boolean {
  return listed === null || (stored?.split(" ").includes(listed) ?? false);
}

/** Base64 of the part's checksum of that algorithm; undefined when there is none. */
export function findPartChecksum(text: string | null, algorithm: ChecksumAlgorithm): string | undefined {
  return parsePartChecksums(text).find((checksum) => checksum.algorithm === algorithm)?.value;
}
