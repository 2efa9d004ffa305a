import { createCipheriv, createDecipheriv } from "node:crypto";
import { randomBytes } from "#kernel/base/random.ts";
import type { KeyEncryptionKey } from "#kernel/protocol/to-data.ts";

const nonceBytes = 12;
const tagBytes = 16;
const dataKeyBytes = 32;

/** A wrapped data key: version of the key-encryption key (0: the client's own, SSE-C), then base64 of nonce, ciphertext, tag. */
export interface WrappedKey {
  readonly version: number;
  readonly sealed: string;
}

/** Thrown when a data key does not open: wrong key-encryption key, or the row was tampered with or moved. */
export class KeyUnwrapError extends Error {
  override readonly name = "KeyUnwrapError";
}

/**
 * Wraps and unwraps the 256-bit data key of each object with AES-256-GCM. The associated data binds the wrapped key to
 * what it belongs to, so a row copied to another object does not open.
 * Source: NIST SP 800-38D (GCM), SP 800-38F section 3.1 (authenticated encryption as key wrap).
 */
export class ObjectKeyRing {
  readonly #keys = new Map<number, Uint8Array>();
  readonly #newest: KeyEncryptionKey;

  /** @param keys each 32 bytes, newest last; at least one. */
  constructor(keys: readonly KeyEncryptionKey[]) {
    const newest = keys.at(-1);
    if (!newest) throw new Error("ObjectKeyRing: no key-encryption key");
    for (const { version, key } of keys) this.#keys.set(version, key);
    this.#newest = newest;
  }

  /** Wraps `dataKey` (32 bytes) with the newest key-encryption key. */
  wrap(dataKey: Uint8Array, identity: string): WrappedKey {
    return { version: this.#newest.version, sealed: sealKey(this.#newest.key, dataKey, identity) };
  }

  /** @throws KeyUnwrapError when the key version is unknown or the tag does not fit. */
  unwrap(wrapped: WrappedKey, identity: string): Uint8Array {
    const key = this.#keys.get(wrapped.version);
    if (!key) throw new KeyUnwrapError(`Key-encryption key version ${wrapped.version} is not in the ring`);
    return openKey(key, wrapped.sealed, identity);
  }
}

/** What a wrapped data key is bound to: the bucket's id and the object's key. */
export function keyIdentity(bucketId: string, key: string): string {
  return `maxiofs/object/1\n${bucketId}\n${key}`;
}

/** A fresh random data key, 32 bytes. */
export function makeDataKey(): Uint8Array {
  return randomBytes(dataKeyBytes);
}

/** Seals `dataKey` under `wrappingKey` (32 bytes); base64 of nonce (12), ciphertext (32), tag (16). */
export function sealKey(wrappingKey: Uint8Array, dataKey: Uint8Array, identity: string): string {
  const sealed = Buffer.allocUnsafe(nonceBytes + dataKeyBytes + tagBytes);
  sealed.set(randomBytes(nonceBytes), 0);
  const cipher = createCipheriv("aes-256-gcm", wrappingKey, sealed.subarray(0, nonceBytes));
  cipher.setAAD(Buffer.from(identity));
  sealed.set(cipher.update(dataKey), nonceBytes);
  cipher.final();
  sealed.set(cipher.getAuthTag(), nonceBytes + dataKeyBytes);
  return sealed.toString("base64");
}

/** @throws KeyUnwrapError when the tag does not fit key and identity. */
export function openKey(wrappingKey: Uint8Array, sealedBase64: string, identity: string): Uint8Array {
  const sealed = Buffer.from(sealedBase64, "base64");
  if (sealed.length !== nonceBytes + dataKeyBytes + tagBytes)
    throw new KeyUnwrapError("Wrapped key has a wrong length");
  const cipher = createDecipheriv("aes-256-gcm", wrappingKey, sealed.subarray(0, nonceBytes));
  cipher.setAAD(Buffer.from(identity));
  cipher.setAuthTag(sealed.subarray(nonceBytes + dataKeyBytes));
  const dataKey = cipher.update(sealed.subarray(nonceBytes, nonceBytes + dataKeyBytes));
  try {
    cipher.final();
  } catch {
    throw new KeyUnwrapError("Wrapped key does not authenticate");
  }
  return dataKey;
}
