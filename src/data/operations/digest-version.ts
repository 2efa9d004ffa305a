import type { ChecksumAlgorithm } from "#kernel/s3/checksum.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import type { ObjectChecksum } from "../object-meta.ts";
import type { S3Request } from "../request/s3-request.ts";
import type { CopySourceObject } from "./copy-source-object.ts";
import { readVersion } from "./read-version.ts";

/** Bytes a request reads at most to compute a digest. Source: Amazon S3 limits of CopyObject. */
const maxDigestBytes = 5 * 2 ** 30;

/** Digests of all bytes of a version. */
export interface VersionDigests {
  /** Lower-case hex. */
  readonly md5: string;
  readonly checksum: ObjectChecksum;
}

/**
 * Reads a version once and computes its MD5 and a checksum, in bounded memory.
 * @throws S3Error InvalidRequest above 5 GiB
 * @throws DamagedBytesError when stored bytes do not authenticate
 */
export async function digestVersion(
  request: S3Request,
  object: Pick<CopySourceObject, "bucket" | "version" | "dataKey">,
  algorithm: ChecksumAlgorithm,
): Promise<VersionDigests> {
  const { bucket, version, dataKey } = object;
  if (version.sizeBytes > maxDigestBytes) {
    throw new S3Error("InvalidRequest", {
      message: `The specified copy source is larger than the maximum allowable size for a copy source: ${maxDigestBytes}`,
    });
  }
  const md5 = new Bun.CryptoHasher("md5");
  const checksum = await request.plane.checksums.start(algorithm);
  try {
    const range = { start: 0, end: version.sizeBytes };
    for await (const piece of readVersion(request.plane, { bucketId: bucket.bucketId, version, dataKey, range })) {
      md5.update(piece);
      checksum.update(piece);
    }
    const value = Buffer.from(checksum.digest()).toString("base64");
    return { md5: md5.digest("hex"), checksum: { algorithm, type: "FULL_OBJECT", value } };
  } finally {
    checksum.release();
  }
}
