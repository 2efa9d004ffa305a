import type { ListedPart } from "#kernel/protocol/mutation.ts";
import { type ChecksumAlgorithm, checksumAlgorithms, defaultChecksumAlgorithm } from "#kernel/s3/checksum.ts";
import { type CombinableAlgorithm, combineCrc } from "#kernel/s3/combine-crc.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import type { PartToComplete } from "#kernel/xml/read-complete-multipart-upload.ts";
import type { UploadedPart } from "../catalog/catalog.ts";
import type { ChecksumPool } from "../checksum/running-checksum.ts";
import type { ObjectChecksum } from "../object-meta.ts";
import type { FoundUpload } from "./find-upload.ts";
import { encodePartChecksum, findPartChecksum, hasPartChecksum } from "./part-checksum.ts";

/** The object that an upload's parts make, computed from what is known of them: no byte is read. */
export interface AssembledObject {
  /** MD5 of the parts' digests, then `-N`. */
  readonly etag: string;
  readonly sizeBytes: number;
  readonly checksum: ObjectChecksum;
  /** Hash of the list: the same completion repeated has the same. */
  readonly fingerprint: string;
  readonly parts: readonly ListedPart[];
}

/** Parts as the client lists them, and as they are stored. */
export interface AssembleParts {
  readonly upload: FoundUpload;
  readonly listed: readonly PartToComplete[];
  readonly stored: readonly UploadedPart[];
}

/**
 * Computes ETag, size and checksum of the listed parts. The commit checks them again against the parts of that moment.
 * @throws S3Error InvalidPart (UploadId, PartNumber, ETag) for an unknown part, another ETag or part checksum; InvalidRequest
 * when a part of a COMPOSITE upload is listed without its checksum
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
 */
export async function assembleObject(
  pool: ChecksumPool,
  { upload, listed, stored }: AssembleParts,
): Promise<AssembledObject> {
  const parts = toListedParts(listed);
  const matched = matchParts(upload, parts, stored);
  const { checksumAlgorithm, checksumType } = upload.meta;
  if (checksumType === "COMPOSITE") requireChecksums(upload, listed);
  let sizeBytes = 0;
  let digests = "";
  for (const part of matched) {
    sizeBytes += part.sizeBytes;
    digests += part.etag;
  }
  const etag = `${new Bun.CryptoHasher("md5").update(Buffer.from(digests, "hex")).digest("hex")}-${matched.length}`;
  const algorithm = checksumAlgorithm ?? defaultChecksumAlgorithm;
  const checksum =
    checksumType === "COMPOSITE"
      ? await composeChecksum(pool, algorithm, matched)
      : combineChecksums(algorithm, matched);
  return { etag, sizeBytes, checksum, fingerprint: fingerprintOf(parts), parts };
}

/** The list of a completion as the catalog takes it. */
export function toListedParts(listed: readonly PartToComplete[]): readonly ListedPart[] {
  return listed.map(({ partNumber, etag, checksum }) => ({
    partNumber,
    etag,
    checksum:
      checksum === undefined ? null : encodePartChecksum({ algorithm: checksum.algorithm, value: checksum.base64 }),
  }));
}

/** Hash of a list of parts, 64 hex digits. */
export function fingerprintOf(parts: readonly ListedPart[]): string {
  const hasher = new Bun.CryptoHasher("sha256");
  for (const { partNumber, etag, checksum } of parts) hasher.update(`${partNumber} ${etag} ${checksum ?? ""}\n`);
  return hasher.digest("hex");
}

function matchParts(
  upload: FoundUpload,
  parts: readonly ListedPart[],
  stored: readonly UploadedPart[],
): readonly UploadedPart[] {
  const byNumber = new Map(stored.map((part) => [part.partNumber, part]));
  return parts.map((part) => {
    const found = byNumber.get(part.partNumber);
    if (found && found.etag === part.etag && hasPartChecksum(found.checksum, part.checksum)) return found;
    throw new S3Error("InvalidPart", {
      fields: { UploadId: upload.uploadId, PartNumber: part.partNumber, ETag: part.etag },
    });
  });
}

function requireChecksums(upload: FoundUpload, listed: readonly PartToComplete[]): void {
  const missing = listed.find((part) => part.checksum === undefined);
  if (missing === undefined) return;
  const name = upload.meta.checksumAlgorithm?.toLowerCase() ?? "";
  throw new S3Error("InvalidRequest", {
    message: `The upload was created using a ${name} checksum. The complete request must include the checksum for each part. It was missing for part ${missing.partNumber} in the request`,
  });
}

/** The checksum over the parts' raw checksums. */
async function composeChecksum(
  pool: ChecksumPool,
  algorithm: ChecksumAlgorithm,
  parts: readonly UploadedPart[],
): Promise<ObjectChecksum> {
  const running = await pool.start(algorithm);
  try {
    for (const part of parts) running.update(rawChecksum(part, algorithm));
    return {
      algorithm,
      type: "COMPOSITE",
      value: `${Buffer.from(running.digest()).toString("base64")}-${parts.length}`,
    };
  } finally {
    running.release();
  }
}

/** The CRC of all bytes from the CRCs of the parts. */
function combineChecksums(algorithm: ChecksumAlgorithm, parts: readonly UploadedPart[]): ObjectChecksum {
  if (!isCombinable(algorithm)) throw new S3Error("InternalError");
  let crc: Uint8Array | undefined;
  for (const part of parts) {
    const own = rawChecksum(part, algorithm);
    crc = crc === undefined ? own : combineCrc(algorithm, crc, { crc: own, lengthBytes: part.sizeBytes });
  }
  return { algorithm, type: "FULL_OBJECT", value: Buffer.from(crc ?? []).toString("base64") };
}

/** Whether the checksum of two pieces follows from those of the pieces. */
export function isCombinable(algorithm: ChecksumAlgorithm): algorithm is CombinableAlgorithm {
  return checksumAlgorithms[algorithm].multipartTypes.includes("FULL_OBJECT");
}

function rawChecksum(part: UploadedPart, algorithm: ChecksumAlgorithm): Uint8Array {
  const value = findPartChecksum(part.checksum, algorithm);
  // Every part is stored with a checksum of the upload's algorithm.
  if (value === undefined) throw new S3Error("InternalError");
  return Buffer.from(value, "base64");
}
