import {
  computeSegmentTag,
  countSegments,
  deriveBlobKeys,
  equalTags,
  openCounterStream,
  segmentBytes,
  tagBytes,
} from "./blob-cipher.ts";

const inlineLabel = "inline";

/** Thrown when stored bytes do not authenticate: never served, reported as damage. */
export class DamagedBytesError extends Error {
  override readonly name = "DamagedBytesError";
}

/**
 * Encrypts a small body for the catalog: ciphertext followed by its segment tags.
 * @param plaintext at most the inline threshold
 * @param target receives `plaintext.length + 16 * segments` bytes from `offset` on
 * @returns bytes written
 */
export function sealInline(dataKey: Uint8Array, plaintext: Uint8Array, target: Uint8Array, offset: number): number {
  const keys = deriveBlobKeys(dataKey, inlineLabel);
  const size = plaintext.length;
  if (size > 0) target.set(openCounterStream(keys.encryption, 0).update(plaintext), offset);
  const segments = countSegments(size);
  for (let index = 0; index < segments; index++) {
    const start = offset + index * segmentBytes;
    const end = Math.min(start + segmentBytes, offset + size);
    const tag = computeSegmentTag(keys.authentication, index, index === segments - 1, target.subarray(start, end));
    target.set(tag, offset + size + index * tagBytes);
  }
  return size + segments * tagBytes;
}

/** Length of what `sealInline` writes for a body of `sizeBytes`. */
export function sealedInlineBytes(sizeBytes: number): number {
  return sizeBytes + countSegments(sizeBytes) * tagBytes;
}

/**
 * Verifies every tag, then decrypts.
 * @param sealed as written by `sealInline`
 * @param sizeBytes length of the plaintext
 * @throws DamagedBytesError when length or a tag does not fit
 */
export function openInline(dataKey: Uint8Array, sealed: Uint8Array, sizeBytes: number): Uint8Array {
  if (sealed.length !== sealedInlineBytes(sizeBytes)) throw new DamagedBytesError("Inline body has a wrong length");
  const keys = deriveBlobKeys(dataKey, inlineLabel);
  const segments = countSegments(sizeBytes);
  for (let index = 0; index < segments; index++) {
    const end = Math.min((index + 1) * segmentBytes, sizeBytes);
    const tag = computeSegmentTag(
      keys.authentication,
      index,
      index === segments - 1,
      sealed.subarray(index * segmentBytes, end),
    );
    if (!equalTags(sealed, sizeBytes + index * tagBytes, tag))
      throw new DamagedBytesError(`Segment ${index} of an inline body does not authenticate`);
  }
  if (sizeBytes === 0) return new Uint8Array(0);
  return openCounterStream(keys.encryption, 0).update(sealed.subarray(0, sizeBytes));
}
