import { hkdfSync, timingSafeEqual } from "node:crypto";
import type { KeyEncryptionKey } from "#kernel/protocol/to-data.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";

const macBytes = 16;
const keyBytes = 32;
const keyPurpose = "maxiofs/continuation-token/1";

/** What a token belongs to; it is of no use in any other listing. */
export interface TokenScope {
  readonly bucketId: string;
  readonly prefix: string;
  readonly delimiter: string;
}

/**
 * Makes and opens continuation tokens: base64url of a MAC (HMAC-SHA-256, 16 bytes) and the marker it continues after. The
 * key is derived from the newest key-encryption key; tokens made under an older one that is still in the ring are taken, so
 * that a rotation interrupts no listing.
 * Source: RFC 5869 (HKDF), RFC 2104 section 5 (truncated HMAC).
 */
export class ContinuationTokens {
  /** Newest first. */
  readonly #keys: readonly Uint8Array[];

  /** @param keys key-encryption keys, 32 bytes each, newest last; at least one */
  constructor(keys: readonly KeyEncryptionKey[]) {
    if (keys.length === 0) throw new Error("ContinuationTokens: no key-encryption key");
    this.#keys = keys.map(({ key }) => new Uint8Array(hkdfSync("sha256", key, "", keyPurpose, keyBytes))).reverse();
  }

  /** The token for the page after `marker`. */
  make(scope: TokenScope, marker: string): string {
    const [key = new Uint8Array(0)] = this.#keys;
    return Buffer.concat([computeMac(key, scope, marker), Buffer.from(marker)]).toString("base64url");
  }

  /**
   * The marker in a token.
   * @throws S3Error InvalidArgument when the token is empty, altered, or of another bucket, prefix or delimiter
   */
  open(scope: TokenScope, token: string): string {
    const bytes = Buffer.from(token, "base64url");
    if (bytes.length <= macBytes || bytes.toString("base64url") !== token) throw incorrectToken(token);
    const marker = bytes.toString("utf8", macBytes);
    const mac = bytes.subarray(0, macBytes);
    if (!this.#keys.some((key) => timingSafeEqual(computeMac(key, scope, marker), mac))) throw incorrectToken(token);
    return marker;
  }
}

function computeMac(key: Uint8Array, { bucketId, prefix, delimiter }: TokenScope, marker: string): Uint8Array {
  const text = JSON.stringify([bucketId, prefix, delimiter, marker]);
  return new Bun.CryptoHasher("sha256", key).update(text).digest().subarray(0, macBytes);
}

function incorrectToken(token: string): S3Error {
  return new S3Error("InvalidArgument", {
    message: "The continuation token provided is incorrect",
    fields: { ArgumentName: "continuation-token", ArgumentValue: token },
  });
}
