import { createCipheriv, createDecipheriv } from "node:crypto";
import type { Random } from "#kernel/base/random.ts";

const nonceBytes = 12;
const tagBytes = 16;

/** Where a sealed value stands. It is authenticated with the value, so that a value moved elsewhere does not open. */
export interface SealedPlace {
  readonly table: string;
  /** Primary key of the row. */
  readonly row: string;
  readonly column: string;
}

/** A sealed value that does not open: wrong key, changed, or moved from another place. */
export class SealBrokenError extends Error {
  override readonly name = "SealBrokenError";
}

/** Seals and opens values of the control database with AES-256-GCM. Source: NIST SP 800-38D. */
export class Sealer {
  readonly #key: Uint8Array;
  readonly #random: Random;

  /** @param key 32 bytes; with random nonces it may seal 2^32 values. */
  constructor(key: Uint8Array, random: Random) {
    this.#key = key;
    this.#random = random;
  }

  /** Base64 of nonce (12 bytes), ciphertext and tag (16 bytes). */
  seal(plaintext: Uint8Array, place: SealedPlace): string {
    const nonce = this.#random.bytes(nonceBytes);
    const cipher = createCipheriv("aes-256-gcm", this.#key, nonce).setAAD(associatedData(place));
    const parts = [nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()];
    return Buffer.concat(parts).toString("base64");
  }

  /** @throws SealBrokenError when the text is not what this key sealed for this place. */
  open(sealed: string, place: SealedPlace): Uint8Array<ArrayBuffer> {
    const bytes = Buffer.from(sealed, "base64");
    if (bytes.length < nonceBytes + tagBytes) throw broken(place);
    const decipher = createDecipheriv("aes-256-gcm", this.#key, bytes.subarray(0, nonceBytes));
    decipher.setAAD(associatedData(place)).setAuthTag(bytes.subarray(-tagBytes));
    try {
      const body = decipher.update(bytes.subarray(nonceBytes, -tagBytes));
      decipher.final();
      return new Uint8Array(body);
    } catch {
      throw broken(place);
    }
  }
}

function broken({ table, column }: SealedPlace): SealBrokenError {
  return new SealBrokenError(`A sealed value of ${table}.${column} does not open`);
}

/** JSON, so that no two places have the same bytes. */
function associatedData({ table, row, column }: SealedPlace): Buffer {
  return Buffer.from(JSON.stringify(["maxiofs/control/1", table, row, column]));
}
