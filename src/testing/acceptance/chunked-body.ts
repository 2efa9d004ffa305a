import { type ChunkSeed, signChunk, signTrailer } from "./sign-v4.ts";

/**
 * An aws-chunked body in pieces that a test may alter before it sends them: header, data and line end of each chunk in turn,
 * then the header of the final chunk, then the trailer with the empty line that ends all.
 */
export interface ChunkedBody {
  readonly pieces: Buffer[];
}

/** How a body is framed. */
export interface ChunkedBodyOptions {
  /** Chunks are signed from this seed; undefined: unsigned chunks. */
  readonly seed: ChunkSeed | undefined;
  /** Bytes of data per chunk, the last may have fewer. */
  readonly chunkBytes: number;
  /** `name:value` to send behind the final chunk. */
  readonly trailer?: string | undefined;
}

/** Frames a body. Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html */
export function encodeChunks(body: Uint8Array, { seed, chunkBytes, trailer }: ChunkedBodyOptions): ChunkedBody {
  const pieces: Buffer[] = [];
  let signature = seed?.signature ?? "";
  const header = (data: Uint8Array) => {
    if (seed === undefined) return Buffer.from(`${data.length.toString(16)}\r\n`);
    signature = signChunk(seed, signature, data);
    return Buffer.from(`${data.length.toString(16)};chunk-signature=${signature}\r\n`);
  };
  for (let offset = 0; offset < body.length; offset += chunkBytes) {
    const data = body.subarray(offset, offset + chunkBytes);
    pieces.push(header(data), Buffer.from(data), Buffer.from("\r\n"));
  }
  pieces.push(header(new Uint8Array()));
  const trailers = trailer === undefined ? [] : [trailer];
  if (trailer !== undefined && seed !== undefined) {
    trailers.push(`x-amz-trailer-signature:${signTrailer(seed, signature, `${trailer}\n`)}`);
  }
  pieces.push(Buffer.from([...trailers, ""].map((line) => `${line}\r\n`).join("")));
  return { pieces };
}
