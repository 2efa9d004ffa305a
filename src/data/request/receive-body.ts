import type { IncomingMessage } from "node:http";
import {
  type ChecksumAlgorithm,
  checksumAlgorithms,
  type ExpectedChecksum,
  parseChecksumHeaders,
  parseChecksumValue,
  parseTrailerAnnouncement,
  requireSdkChecksum,
} from "#kernel/s3/checksum.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import { requireFittingHeaders } from "#kernel/sigv4/payload-mode.ts";
import type { ObjectChecksum } from "../object-meta.ts";
import { AwsChunkedDecoder } from "./aws-chunked.ts";
import { BodyDigests } from "./body-digests.ts";
import type { S3Request } from "./s3-request.ts";
import { SmallChunks } from "./small-chunks.ts";

/** How a body is to be taken. */
export interface ReceiveOptions {
  /** Bytes of data at most. */
  readonly maxBytes: number;
  /** Error beyond `maxBytes`; EntityTooLarge by default. */
  readonly tooLarge?: (proposedBytes: number) => S3Error;
  /** A request without any length has an empty body; otherwise it is refused with MissingContentLength. */
  readonly lengthOptional: boolean;
  /** Computed when the client sends no checksum. */
  readonly defaultChecksum: ChecksumAlgorithm | undefined;
  /** The MD5 of the data is wanted as a result. */
  readonly wantMd5: boolean;
  /** Checksum headers speak of an object, not of this body (CompleteMultipartUpload). */
  readonly ignoreChecksumHeaders?: boolean;
  /** Takes verified-later data; a returned promise pauses the socket. Nothing may be committed before the body is received. */
  readonly sink: (data: Uint8Array) => Promise<void> | undefined;
}

/** A body that was received whole; everything the client sent to verify it fits. */
export interface ReceivedBody {
  readonly sizeBytes: number;
  /** Lower-case hex; empty when it was not wanted. */
  readonly md5: string;
  readonly checksum: ObjectChecksum | null;
}

/** Bytes of data the request announces; undefined for a chunked body without any length. @throws S3Error MissingContentLength, InvalidArgument */
export function announcedLength(request: S3Request, lengthOptional: boolean): number | undefined {
  const { payload } = request.authentication;
  if (payload.kind === "chunked") {
    const decoded = request.header("x-amz-decoded-content-length");
    if (decoded === undefined) throw new S3Error("MissingContentLength");
    return parseLength("x-amz-decoded-content-length", decoded);
  }
  const length = request.header("content-length");
  if (length !== undefined) return parseLength("Content-Length", length);
  if (request.header("transfer-encoding") !== undefined) return undefined;
  if (lengthOptional) return 0;
  throw new S3Error("MissingContentLength");
}

/**
 * Reads the body to its end and verifies all that came with it: length, payload hash, chunk signatures, trailer,
 * Content-MD5, checksum.
 * @throws S3Error EntityTooLarge, IncompleteBody, InvalidDigest, BadDigest, XAmzContentSHA256Mismatch, InvalidRequest,
 * SignatureDoesNotMatch, MalformedTrailerError, NotImplemented (Content-Range); whatever the sink throws
 */
export async function receiveBody(request: S3Request, options: ReceiveOptions): Promise<ReceivedBody> {
  const { payload } = request.authentication;
  requireFittingHeaders(request.headers, payload);
  refusePartial(request);
  const length = announcedLength(request, options.lengthOptional);
  const tooLarge = options.tooLarge ?? ((proposed: number) => entityTooLarge(proposed, options.maxBytes));
  if (length !== undefined && length > options.maxBytes) throw tooLarge(length);
  const trailerChecksum =
    payload.kind === "chunked" && payload.trailer ? parseTrailerAnnouncement(request.headers) : undefined;
  if (!options.ignoreChecksumHeaders) requireSdkChecksum(request.headers);
  const expected = options.ignoreChecksumHeaders ? undefined : await effectiveChecksum(request);
  const algorithm = expected?.algorithm ?? trailerChecksum ?? options.defaultChecksum;
  const digests = await BodyDigests.start({
    request,
    payload,
    wantMd5: options.wantMd5,
    algorithm,
    pool: request.plane.checksums,
  });
  let ended = false;
  try {
    const decoder = payload.kind === "chunked" ? makeDecoder(request, length ?? 0) : undefined;
    let sizeBytes = 0;
    const take = (data: Uint8Array): Promise<void> | undefined => {
      // What was queued when the client went away comes too late: digests and sink may serve another request by now.
      if (ended) throw new S3Error("IncompleteBody");
      sizeBytes += data.length;
      if (sizeBytes > options.maxBytes) throw tooLarge(sizeBytes);
      digests.update(data);
      const waiting = request.pace(data.length);
      if (waiting === undefined) return options.sink(data);
      return waiting.then(() => {
        if (ended) throw new S3Error("IncompleteBody");
        return options.sink(data);
      });
    };
    if (request.awaitsContinue) request.response.writeContinue();
    await pump(request.message, decoder ? (bytes) => decode(decoder, bytes, take) : take);
    const trailers = decoder?.finish().trailers;
    if (length !== undefined && sizeBytes !== length) throw new S3Error("IncompleteBody");
    const trailing = trailerChecksum && readTrailer(trailerChecksum, trailers ?? {});
    return digests.finish(sizeBytes, expected ?? trailing);
  } finally {
    ended = true;
    digests.release();
  }
}

/** Who sends a piece of something would have it taken for the whole. Source: RFC 9110, section 14.5. */
function refusePartial(request: S3Request): void {
  if (request.header("content-range") === undefined) return;
  throw new S3Error("NotImplemented", {
    message: "A header you provided implies functionality that is not implemented",
    fields: { Header: "Content-Range" },
  });
}

function makeDecoder(request: S3Request, decodedLength: number): AwsChunkedDecoder {
  const { payload } = request.authentication;
  const signed = payload.kind === "chunked" && payload.signed;
  const trailer = payload.kind === "chunked" && payload.trailer;
  const seed = request.authentication.kind === "signed" ? request.authentication.seed : undefined;
  const announced = request.header("x-amz-trailer") ?? "";
  const trailerNames = announced
    .split(",")
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== "");
  return new AwsChunkedDecoder({ signed, trailer, decodedLength, trailerNames, ...(signed && seed ? { seed } : {}) });
}

function decode(
  decoder: AwsChunkedDecoder,
  bytes: Uint8Array,
  take: (data: Uint8Array) => Promise<void> | undefined,
): Promise<void> | undefined {
  let waiting: Promise<void> | undefined;
  try {
    decoder.push(bytes, (data) => {
      if (waiting) {
        const kept = data;
        waiting = waiting.then(() => take(kept));
      } else waiting = take(data);
    });
  } catch (error) {
    // What is queued will be refused as well: nobody waits for it any more, and an unheard rejection would end the worker.
    waiting?.catch(() => {});
    throw error;
  }
  return waiting;
}

/**
 * Feeds each piece of the request to `take`; the socket pauses while a returned promise is pending.
 * @throws S3Error IncompleteBody when the client goes away, InvalidRequest for too many small chunks; whatever `take` throws
 */
export function pump(message: IncomingMessage, take: (bytes: Uint8Array) => Promise<void> | undefined): Promise<void> {
  // A request that has no body is a stream that ended before anybody could listen (`optimizeEmptyRequests`).
  if (message.readableEnded) return Promise.resolve();
  return new Promise((resolve, reject) => {
    // A client that went away before anybody listened: its events are over, and nothing would ever settle this.
    if (message.destroyed) {
      reject(new S3Error("IncompleteBody"));
      return;
    }
    const chunks = message.headers["transfer-encoding"] === undefined ? undefined : new SmallChunks();
    let pending: Promise<void> | undefined;
    let settled = false;
    const settle = (error?: unknown) => {
      if (settled) return;
      settled = true;
      message.off("data", onData);
      if (error === undefined) resolve();
      else reject(error);
    };
    const onData = (bytes: Uint8Array) => {
      try {
        chunks?.add(bytes.length);
        const waiting = pending ? pending.then(() => take(bytes)) : take(bytes);
        if (!waiting) return;
        message.pause();
        const current = waiting.then(() => {
          if (pending !== current) return;
          pending = undefined;
          message.resume();
        });
        pending = current;
        current.catch(settle);
      } catch (error) {
        settle(error);
      }
    };
    message.on("data", onData);
    message.on("end", () => (pending ? pending.then(() => settle(), settle) : settle()));
    message.on("error", () => settle(new S3Error("IncompleteBody")));
    message.on("aborted", () => settle(new S3Error("IncompleteBody")));
    message.on("close", () => {
      if (!message.complete) settle(new S3Error("IncompleteBody"));
    });
  });
}

/**
 * The checksum the client sent in a header. One that came with a presigned URL and is that of zero bytes is what SDKs
 * sign before they know the body: it says nothing.
 */
async function effectiveChecksum(request: S3Request): Promise<ExpectedChecksum | undefined> {
  const expected = parseChecksumHeaders(request.headers);
  if (!expected || request.authentication.kind !== "signed") return expected;
  if (request.authentication.hoistedHeaders[checksumAlgorithms[expected.algorithm].header] === undefined)
    return expected;
  const empty = await request.plane.checksums.start(expected.algorithm);
  return Buffer.from(empty.digest()).toString("base64") === expected.expectedBase64 ? undefined : expected;
}

function readTrailer(algorithm: ChecksumAlgorithm, trailers: Readonly<Record<string, string>>): ExpectedChecksum {
  const value = trailers[checksumAlgorithms[algorithm].header];
  if (value === undefined) throw new S3Error("MalformedTrailerError");
  return { algorithm, expectedBase64: parseChecksumValue(algorithm, value) };
}

function parseLength(name: string, text: string): number {
  const length = /^\d{1,15}$/.test(text) ? Number(text) : -1;
  if (length < 0)
    throw new S3Error("InvalidArgument", {
      message: `${name} must be a whole number`,
      fields: { ArgumentName: name, ArgumentValue: text },
    });
  return length;
}

function entityTooLarge(proposedBytes: number, maxBytes: number): S3Error {
  return new S3Error("EntityTooLarge", { fields: { ProposedSize: proposedBytes, MaxSizeAllowed: maxBytes } });
}
