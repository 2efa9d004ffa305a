import {
  type ChecksumAlgorithm,
  checksumAlgorithms,
  parseChecksumHeaders,
  parseTrailerAnnouncement,
} from "#kernel/s3/checksum.ts";
import type { BlobSink } from "../blobs/blobs.ts";
import type { PartChecksum } from "../multipart/part-checksum.ts";
import { type ReceivedBody, receiveBody } from "../request/receive-body.ts";
import type { S3Request } from "../request/s3-request.ts";
import { maxBodyBytes } from "./store-body.ts";

/** How a body becomes one more extent of something that has a data key already. */
export interface BlobTarget {
  readonly dataKey: Uint8Array;
  /** What the object is checksummed with. */
  readonly algorithm: ChecksumAlgorithm;
  readonly wantMd5: boolean;
}

/** A received and verified body in a blob that is neither finished nor named by the catalog. */
export interface BlobBody {
  readonly sink: BlobSink;
  /** With the client's own checksum, when it sent one. */
  readonly received: ReceivedBody;
  /** The body's checksum of the target's algorithm. */
  readonly checksum: PartChecksum;
}

/**
 * Receives the request's body into a fresh blob of the request's bucket.
 * @throws S3Error as `receiveBody`; nothing is left behind then
 */
export async function receiveToBlob(request: S3Request, target: BlobTarget): Promise<BlobBody> {
  const { algorithm } = target;
  const own = sentChecksumAlgorithm(request);
  const second = own === undefined || own === algorithm ? undefined : await request.plane.checksums.start(algorithm);
  try {
    const sink = await request.plane.blobs.create(request.bucket.bucketId, target.dataKey);
    try {
      const received = await receiveBody(request, {
        maxBytes: maxBodyBytes(request),
        lengthOptional: false,
        defaultChecksum: algorithm,
        wantMd5: target.wantMd5,
        sink: (data) => {
          second?.update(data);
          return sink.write(data);
        },
      });
      const value = second === undefined ? received.checksum?.value : Buffer.from(second.digest()).toString("base64");
      return { sink, received, checksum: { algorithm, value: value ?? "" } };
    } catch (error) {
      await sink.abandon();
      throw error;
    }
  } finally {
    second?.release();
  }
}

/** The algorithm of the checksum that comes with the body, in a header or a trailer. @throws S3Error InvalidRequest */
export function sentChecksumAlgorithm(request: S3Request): ChecksumAlgorithm | undefined {
  const { payload } = request.authentication;
  if (payload.kind === "chunked" && payload.trailer) return parseTrailerAnnouncement(request.headers);
  return parseChecksumHeaders(request.headers)?.algorithm;
}

/** Whether the body's checksum came in the query of a presigned URL: it may be one that was computed without a body. */
export function isHoistedChecksum(request: S3Request, algorithm: ChecksumAlgorithm): boolean {
  const { authentication } = request;
  return (
    authentication.kind === "signed" &&
    authentication.hoistedHeaders[checksumAlgorithms[algorithm].header] !== undefined
  );
}
