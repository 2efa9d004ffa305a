import type { S3Request } from "./s3-request.ts";

/**
 * Sends verified pieces with back-pressure. The head is written after the first piece was verified, so damage at the
 * beginning is still an error document; later damage cuts the connection, because the length was promised.
 * @param writeHead called once
 */
export async function sendBody(
  request: S3Request,
  source: AsyncGenerator<Uint8Array, void, undefined>,
  writeHead: () => void,
): Promise<void> {
  const { response } = request;
  const gone = new Promise<"gone">((resolve) => response.once("close", () => resolve("gone")));
  let started = false;
  try {
    for (;;) {
      const { done, value } = await source.next();
      if (!started) writeHead();
      started = true;
      if (done || response.destroyed) break;
      const draining = response.write(value) ? undefined : drained(request);
      const pacing = request.pace(value.length);
      if (pacing !== undefined) await pacing;
      if (draining !== undefined && (await Promise.race([draining, gone])) === "gone") break;
    }
    if (!response.destroyed) response.end();
  } finally {
    await source.return();
  }
}

function drained(request: S3Request): Promise<"drained"> {
  return new Promise((resolve) => request.response.once("drain", () => resolve("drained")));
}
