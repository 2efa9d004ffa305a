import { parseChecksumHeaders, parseTrailerAnnouncement } from "#kernel/s3/checksum.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import { GatheredBody } from "./gathered-body.ts";
import { type ReceiveOptions, receiveBody } from "./receive-body.ts";
import type { S3Request } from "./s3-request.ts";

/** How a small body is to be taken. */
export interface SmallBodyOptions {
  /** Content-MD5 or a checksum must have been sent. */
  readonly requireDigest?: boolean;
  /** Checksum headers speak of an object, not of this body. */
  readonly ignoreChecksumHeaders?: boolean;
}

/**
 * Reads and verifies a body that is parsed, not stored (XML documents): payload hash, Content-MD5, checksums and chunk
 * signatures as for objects.
 * @param maxBytes beyond it MaxMessageLengthExceeded
 */
export async function readSmallBody(
  request: S3Request,
  maxBytes: number,
  options: SmallBodyOptions = {},
): Promise<Uint8Array> {
  if (options.requireDigest && !sendsDigest(request)) {
    throw new S3Error("InvalidRequest", {
      message: "Missing required header for this request: Content-MD5 OR x-amz-checksum-*",
    });
  }
  const body = new GatheredBody(request, maxBytes);
  const receive: ReceiveOptions = {
    maxBytes,
    tooLarge: () => new S3Error("MaxMessageLengthExceeded"),
    lengthOptional: true,
    defaultChecksum: undefined,
    wantMd5: false,
    ignoreChecksumHeaders: options.ignoreChecksumHeaders ?? false,
    sink: (bytes) => body.append(bytes),
  };
  await receiveBody(request, receive);
  return body.bytes;
}

/** What many clients send with a request without a body. */
const sha256OfNothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
/** Bytes of a body that says nothing to its operation. */
const maxIgnoredBytes = 65_536;

/**
 * Receives the body of an operation that has none, so that what was sent to verify it is verified: usually nothing came.
 * @throws S3Error as `receiveBody`; MaxMessageLengthExceeded beyond 64 KiB
 */
export async function receiveIgnoredBody(request: S3Request): Promise<void> {
  if (request.message.readableEnded && isTrueOfNothing(request)) return;
  await readSmallBody(request, maxIgnoredBytes);
}

const bodyHeaders = ["content-md5", "content-range", "x-amz-sdk-checksum-algorithm"] as const;

/** Deletes come by the thousand: what needs no digest costs none. */
function isTrueOfNothing(request: S3Request): boolean {
  const { payload } = request.authentication;
  const isEmpty = payload.kind === "unsigned" || (payload.kind === "sha256" && payload.hex === sha256OfNothing);
  if (!isEmpty || bodyHeaders.some((name) => request.header(name) !== undefined)) return false;
  return parseChecksumHeaders(request.headers) === undefined;
}

function sendsDigest(request: S3Request): boolean {
  const { payload } = request.authentication;
  const hasTrailer = payload.kind === "chunked" && payload.trailer;
  if (hasTrailer && parseTrailerAnnouncement(request.headers) !== undefined) return true;
  return request.header("content-md5") !== undefined || parseChecksumHeaders(request.headers) !== undefined;
}
