import { createCipheriv } from "node:crypto";

/** Bytes of ciphertext covered by one tag. A field of the format: stored with each blob. */
export const segmentBytes = 65_536;
/** Length of a segment's tag (GMAC), bytes. */
export const tagBytes = 16;

const aesBlockBytes = 16;

/** The two keys of one blob, 32 bytes each, derived from the object's data key and the blob's id. */
export interface BlobKeys {
  readonly encryption: Uint8Array;
  readonly authentication: Uint8Array;
}

/**
 * One-step key derivation: SHA-512(data key || label || blob id), split in two. The data key is uniformly random, the
 * blob id is fresh for each blob, so no (key, counter) pair is ever used twice.
 * Source: NIST SP 800-56C rev. 2, section 4.1, option 1.
 * @param dataKey 32 bytes
 * @param blobId 32 hex digits, or `inline`
 */
export function deriveBlobKeys(dataKey: Uint8Array, blobId: string): BlobKeys {
  const derived = new Bun.CryptoHasher("sha512").update(dataKey).update(`maxiofs/blob/1/${blobId}`).digest();
  return { encryption: derived.subarray(0, 32), authentication: derived.subarray(32, 64) };
}

/** A stream that encrypts or decrypts (the same in counter mode). */
export interface CounterStream {
  update(bytes: Uint8Array): Uint8Array;
}

/**
 * AES-256-CTR from byte `offset` on; counter = offset / 16, so any segment decrypts from its own first block.
 * @param offset a multiple of 16, below 2^53
 */
export function openCounterStream(encryptionKey: Uint8Array, offset: number): CounterStream {
  const iv = Buffer.alloc(aesBlockBytes);
  const block = offset / aesBlockBytes;
  iv.writeUInt32BE(Math.floor(block / 2 ** 32), 8);
  iv.writeUInt32BE(block % 2 ** 32, 12);
  return createCipheriv("aes-256-ctr", encryptionKey, iv);
}

/** Where a segment stands in its blob. */
export interface SegmentPlace {
  /** From 0. */
  readonly index: number;
  /** True for the final segment of the blob. */
  readonly last: boolean;
}

/**
 * The tag of one segment: GMAC over its ciphertext. Order and size are bound by the nonce (index of the segment, and
 * whether it is the last), identity by the key.
 * Source: NIST SP 800-38D, section 3 (GMAC).
 */
export function computeSegmentTag(
  authenticationKey: Uint8Array,
  { index, last }: SegmentPlace,
  ciphertext: Uint8Array,
): Uint8Array {
  const nonce = Buffer.alloc(12);
  nonce[0] = last ? 1 : 0;
  nonce.writeUInt32BE(Math.floor(index / 2 ** 32), 4);
  nonce.writeUInt32BE(index % 2 ** 32, 8);
  const cipher = createCipheriv("aes-256-gcm", authenticationKey, nonce);
  cipher.setAAD(ciphertext);
  cipher.final();
  return cipher.getAuthTag();
}

/** Number of segments, at least one: an empty blob has one empty segment, so that emptiness is authenticated too. */
export function countSegments(sizeBytes: number): number {
  return Math.max(1, Math.ceil(sizeBytes / segmentBytes));
}

/** Segments in a row, as they were read, with the place of their tags. */
export interface SegmentRun {
  /** Whole segments; the last one of the blob may be short. */
  readonly ciphertext: Uint8Array;
  /** Index of the first one. */
  readonly firstSegment: number;
  /** Plaintext bytes of the whole blob. */
  readonly sizeBytes: number;
  readonly tags: Uint8Array;
  /** Where the tag of the first one is in `tags`; the others follow it. */
  readonly tagsOffset: number;
}

/** The first segment of a run whose tag does not fit; undefined when all of them authenticate. */
export function findBrokenSegment(authenticationKey: Uint8Array, run: SegmentRun): number | undefined {
  const { ciphertext, firstSegment, sizeBytes, tags, tagsOffset } = run;
  const lastSegment = countSegments(sizeBytes) - 1;
  const count = countSegments(ciphertext.length);
  for (let i = 0; i < count; i++) {
    const index = firstSegment + i;
    const bytes = ciphertext.subarray(i * segmentBytes, Math.min((i + 1) * segmentBytes, ciphertext.length));
    const tag = computeSegmentTag(authenticationKey, { index, last: index === lastSegment }, bytes);
    if (!equalTags(tags, tagsOffset + i * tagBytes, tag)) return index;
  }
  return undefined;
}

/** Compares two tags of 16 bytes; the position of a difference does not change the time. */
export function equalTags(a: Uint8Array, aOffset: number, b: Uint8Array): boolean {
  let difference = 0;
  for (let i = 0; i < tagBytes; i++) difference |= (a[aOffset + i] ?? 0) ^ (b[i] ?? 1);
  return difference === 0;
}
