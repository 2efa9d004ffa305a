import type { ChecksumAlgorithm, ExpectedChecksum } from "#kernel/s3/checksum.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import type { PayloadMode } from "#kernel/sigv4/payload-mode.ts";
import type { ChecksumPool, RunningChecksum } from "../checksum/running-checksum.ts";
import type { ReceivedBody } from "./receive-body.ts";
import type { S3Request } from "./s3-request.ts";

const md5Base64 = /^[A-Za-z0-9+/]{22}==$/;

type Hasher = InstanceType<typeof Bun.CryptoHasher>;

interface DigestParts {
  readonly md5: Hasher | undefined;
  readonly sha256: Hasher | undefined;
  readonly checksum: RunningChecksum | undefined;
  readonly expectedMd5: string | undefined;
  readonly expectedSha256: string | undefined;
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
      md5: options.wantMd5 || expectedMd5 !== undefined ? new Bun.CryptoHasher("md5") : undefined,
      sha256: expectedSha256 === undefined ? undefined : new Bun.CryptoHasher("sha256"),
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
    const sha256Hex = sha256?.digest("hex");
    if (sha256Hex !== expectedSha256) {
      throw new S3Error("XAmzContentSHA256Mismatch", { fields: { ClientComputedContentSHA256: expectedSha256 ?? "", S3ComputedContentSHA256: sha256Hex ?? "" } });
    }
    const md5Hex = md5?.digest("hex") ?? "";
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
  return new S3Error("BadDigest", { fields: { ExpectedDigest: toBase64(expected), CalculatedDigest: toBase64(calculated) } });
}
