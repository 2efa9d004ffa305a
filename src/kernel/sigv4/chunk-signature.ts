import { textsAreEqual } from "../base/texts-are-equal.ts";
import type { S3Error } from "../s3/s3-error.ts";
import type { ChunkSeed } from "./authentication.ts";
import { signatureMismatch } from "./signature-mismatch.ts";
import { signText } from "./signing-key.ts";

/** SHA-256 of no bytes. */
export const emptySha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/**
 * The chain of signatures of one aws-chunked body: each covers its chunk and the signature before it.
 * Source: AWS "Signature Calculations for the Authorization Header: Transferring Payload in Multiple Chunks" and
 * "... Including Trailing Headers".
 */
export class ChunkSignatureChain {
  readonly #signingKey: Uint8Array;
  readonly #chunkHead: string;
  readonly #trailerHead: string;
  #previousSignature: string;

  constructor(seed: ChunkSeed) {
    this.#signingKey = seed.signingKey;
    this.#chunkHead = `AWS4-HMAC-SHA256-PAYLOAD\n${seed.timestamp}\n${seed.scope.text}\n`;
    this.#trailerHead = `AWS4-HMAC-SHA256-TRAILER\n${seed.timestamp}\n${seed.scope.text}\n`;
    this.#previousSignature = seed.signature;
  }

  /**
   * Verifies the next chunk.
   * @param sha256 digest of the chunk's data, 64 lower-case hex.
   * @throws SignatureDoesNotMatch
   */
  verifyChunk(sha256: string, provided: string): void {
    this.#verify(`${this.#chunkHead}${this.#previousSignature}\n${emptySha256}\n${sha256}`, provided);
  }

  /**
   * Verifies the trailer, which follows the final chunk.
   * @param sha256 digest of the lines `name:value\n`, 64 lower-case hex.
   * @throws SignatureDoesNotMatch
   */
  verifyTrailer(sha256: string, provided: string): void {
    this.#verify(`${this.#trailerHead}${this.#previousSignature}\n${sha256}`, provided);
  }

  #verify(stringToSign: string, provided: string): void {
    const expected = signText(this.#signingKey, stringToSign);
    if (!textsAreEqual(expected, provided)) throw mismatch(stringToSign, provided);
    this.#previousSignature = expected;
  }
}

function mismatch(stringToSign: string, signatureProvided: string): S3Error {
  return signatureMismatch({ stringToSign, signatureProvided });
}
