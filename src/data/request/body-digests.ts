import type { ChecksumAlgorithm, ExpectedChecksum } from "#kernel/s3/checksum.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import type { PayloadMode } from "#kernel/sigv4/payload-mode.ts";
import type { ChecksumPool, RunningChecksum } from "../checksum/running-checksum.ts";
import type { ReceivedBody } from "./receive-body.ts";
import type { S3Request } from "./s3-request.ts";

/** Larger pieces are hashed as they come, while they are in the cache. */
const oneCallBytes = 65_536;
const md5Base64 = /^[A-Za-z0-9+/]{22}==$/;

interface DigestParts {
  readonly md5: PieceHash | undefined;
  readonly sha256: PieceHash | undefined;
  readonly checksum: RunningChecksum | undefined;
  readonly expectedMd5: string | undefined;
  readonly expectedSha256: string | undefined;
}

/** A digest over pieces that stay as they are until `hex`. One piece, the usual small body, is hashed in one call: 4 us less. */
class PieceHash {
  readonly #name: "md5" | "sha256";
  #only: Uint8Array | undefined;
  #hasher: InstanceType<typeof Bun.CryptoHasher> | undefined;

  constructor(name: "md5" | "sha256") {
    this.#name = name;
  }

  update(piece: Uint8Array): void {
    if (!this.#hasher && !this.#only && piece.length <= oneCallBytes) {
      this.#only = piece;
      return;
    }
    this.#hasher ??= new Bun.CryptoHasher(this.#name);
    if (this.#only) this.#hasher.update(this.#only);
    this.#only = undefined;
    this.#hasher.update(piece);
  }

  /** Lower-case hex. */
  hex(): string {
    if (this.#hasher) return this.#hasher.digest("hex");
    const whole = this.#only ?? new Uint8Array(0);
    return this.#name === "md5" ? Bun.MD5.hash(whole, "hex") : Bun.SHA256.hash(whole, "hex");
  }
}

/** All digests of one body, computed in one pass. */
export class BodyDigests {
  readonly #parts: DigestParts;

  private constructor(parts: DigestParts) {
    this.#parts = parts;
  }

  /** @throws S3Error InvalidDigest when Content-MD5 is no MD5 */
  static async start(options: {
    request: S3Request;
    payload: PayloadMode;
    wantMd5: boolean;
    algorithm: ChecksumAlgorithm | undefined;
    pool: ChecksumPool;
  }): Promise<BodyDigests> {
    const expectedMd5 = parseContentMd5(options.request.header("content-md5"));
    const expectedSha256 = options.payload.kind === "sha256" ? options.payload.hex : undefined;
    const started = options.algorithm === undefined ? undefined : options.pool.start(options.algorithm);
    return new BodyDigests({
      md5: options.wantMd5 || expectedMd5 !== undefined ? new PieceHash("md5") : undefined,
      sha256: expectedSha256 === undefined ? undefined : new PieceHash("sha256"),
      checksum: started instanceof Promise ? await started : started,
      expectedMd5,
      expectedSha256,
    });
  }

  update(data: Uint8Array): void {
    this.#parts.md5?.update(data);
    this.#parts.sha256?.update(data);
    this.#parts.checksum?.update(data);
  }

  /** @throws S3Error XAmzContentSHA256Mismatch, BadDigest */
  finish(sizeBytes: number, expected: ExpectedChecksum | undefined): ReceivedBody {
    const { md5, sha256, checksum, expectedMd5, expectedSha256 } = this.#parts;
    const sha256Hex = sha256?.hex();
    if (sha256Hex !== expectedSha256) {
      throw new S3Error("XAmzContentSHA256Mismatch", {
        fields: { ClientComputedContentSHA256: expectedSha256 ?? "", S3ComputedContentSHA256: sha256Hex ?? "" },
      });
    }
    const md5Hex = md5?.hex() ?? "";
    if (expectedMd5 !== undefined && expectedMd5 !== md5Hex) throw badDigest(expectedMd5, md5Hex);
    if (!checksum) return { sizeBytes, md5: md5Hex, checksum: null };
    const value = Buffer.from(checksum.digest()).toString("base64");
    if (expected && expected.expectedBase64 !== value) {
      throw new S3Error("BadDigest", {
        message: `The ${expected.algorithm} you specified did not match the calculated checksum`,
        fields: { ExpectedDigest: expected.expectedBase64, CalculatedDigest: value },
      });
    }
    return { sizeBytes, md5: md5Hex, checksum: { algorithm: checksum.algorithm, type: "FULL_OBJECT", value } };
  }

  /** Gives pooled instances back, whatever happened. */
  release(): void {
    this.#parts.checksum?.release();
  }
}

function parseContentMd5(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  if (!md5Base64.test(text)) throw new S3Error("InvalidDigest", { fields: { "Content-MD5": text } });
  return Buffer.from(text, "base64").toString("hex");
}

function badDigest(expected: string, calculated: string): S3Error {
  const toBase64 = (hex: string) => Buffer.from(hex, "hex").toString("base64");
  return new S3Error("BadDigest", {
    fields: { ExpectedDigest: toBase64(expected), CalculatedDigest: toBase64(calculated) },
  });
}
