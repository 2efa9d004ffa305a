import { createCipheriv, createDecipheriv } from "node:crypto";

const tagBytes = 16;
/** A data key seals one inline body and nothing else, so the nonce need not vary. */
const onlyNonce = Buffer.alloc(12);

/** Thrown when stored bytes do not authenticate: never served, reported as damage. */
export class DamagedBytesError extends Error {
  override readonly name = "DamagedBytesError";
}

/**
 * Encrypts a small body for the catalog: AES-256-GCM, which is AES-256-CTR and GHASH in one pass. Small bodies are always
 * read whole, so one tag covers all of it.
 * @param dataKey 32 bytes, fresh for this body: sealing two different bodies with one key would reveal both
 * @param plaintext at most the inline threshold
 * @returns ciphertext, then the tag (16 bytes)
 * Source: NIST SP 800-38D
 */
export function sealInline(dataKey: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const cipher = createCipheriv("aes-256-gcm", dataKey, onlyNonce);
  const sealed = new Uint8Array(sealedInlineBytes(plaintext.length));
  if (plaintext.length > 0) sealed.set(cipher.update(plaintext), 0);
  cipher.final();
  sealed.set(cipher.getAuthTag(), plaintext.length);
  return sealed;
}

/** Length of what `sealInline` makes of a body of `sizeBytes`. */
export function sealedInlineBytes(sizeBytes: number): number {
  return sizeBytes + tagBytes;
}

/**
 * Verifies the tag and decrypts.
 * @param sealed as made by `sealInline`
 * @param sizeBytes length of the plaintext
 * @throws DamagedBytesError when length or tag do not fit
 */
export function openInline(dataKey: Uint8Array, sealed: Uint8Array, sizeBytes: number): Uint8Array {
  if (sealed.length !== sealedInlineBytes(sizeBytes)) throw new DamagedBytesError("Inline body has a wrong length");
  const cipher = createDecipheriv("aes-256-gcm", dataKey, onlyNonce);
  cipher.setAuthTag(sealed.subarray(sizeBytes));
  const plaintext = sizeBytes === 0 ? new Uint8Array(0) : cipher.update(sealed.subarray(0, sizeBytes));
  try {
    cipher.final();
  } catch {
    throw new DamagedBytesError("Inline body does not authenticate");
  }
  return plaintext;
}
