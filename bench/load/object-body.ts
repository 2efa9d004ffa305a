import { crc32 } from "node:zlib";
import type { ObjectShape } from "./load-plan.ts";

/** One object's expected bytes: byte `i` is `pattern[i % pattern.length]`. */
export interface ObjectBody {
  readonly pattern: Uint8Array;
  readonly sizeBytes: number;
  /** Lower-case hex, for `x-amz-content-sha256`. */
  readonly sha256: string;
  /** Base64, for `x-amz-checksum-crc32`. */
  readonly crc32: string;
  /** Quoted MD5 in hex, as S3 answers it. */
  readonly etag: string;
}

/** Larger bodies repeat a pattern of this length, so that a 1 GiB body costs no memory. Odd, so that no block repeats aligned. */
const patternLimitBytes = 8 * 1024 * 1024 + 4099;

/**
 * The different bodies of a shape: pseudo-random, the same in every process.
 * @param shape `sizeBytes` from 0, `variants` from 1; bodies up to 8 MiB are kept whole.
 */
export function makeBodies(shape: ObjectShape): readonly ObjectBody[] {
  const patternBytes = Math.max(1, Math.min(shape.sizeBytes, patternLimitBytes));
  const bodies: ObjectBody[] = [];
  for (let variant = 0; variant < shape.variants; variant += 1) {
    const pattern = pseudoRandomBytes(patternBytes, variant + 1);
    const sha256 = new Bun.CryptoHasher("sha256");
    let crc = 0;
    const md5 = new Bun.CryptoHasher("md5");
    for (let done = 0; done < shape.sizeBytes; done += patternBytes) {
      const piece = pattern.subarray(0, Math.min(patternBytes, shape.sizeBytes - done));
      sha256.update(piece);
      crc = crc32(piece, crc);
      md5.update(piece);
    }
    bodies.push({
      pattern,
      sizeBytes: shape.sizeBytes,
      sha256: sha256.digest("hex"),
      crc32: toBase64(crc),
      etag: `"${md5.digest("hex")}"`,
    });
  }
  return bodies;
}

/** True when `piece` is what the body holds from byte `offset` on. */
export function bodyMatches(body: ObjectBody, offset: number, piece: Uint8Array): boolean {
  const { pattern, sizeBytes } = body;
  if (offset + piece.length > sizeBytes) return false;
  if (piece.length === pattern.length && offset === 0) return Buffer.compare(piece, pattern) === 0;
  let at = offset % pattern.length;
  let done = 0;
  while (done < piece.length) {
    const length = Math.min(piece.length - done, pattern.length - at);
    if (Buffer.compare(piece.subarray(done, done + length), pattern.subarray(at, at + length)) !== 0) return false;
    done += length;
    at = 0;
  }
  return true;
}

/** `sizeBytes` bytes of xorshift32 from a seed other than 0: fast and incompressible, not secret. */
function pseudoRandomBytes(sizeBytes: number, seed: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(sizeBytes / 4));
  let state = Math.imul(seed, 0x9e3779b1) >>> 0 || 1;
  for (let index = 0; index < words.length; index += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[index] = state;
  }
  return new Uint8Array(words.buffer, 0, sizeBytes);
}

function toBase64(crc: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc);
  return bytes.toString("base64");
}
