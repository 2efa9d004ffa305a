import type { ByteRange } from "#kernel/s3/byte-range.ts";
import { openInline } from "../crypto/inline-body.ts";
import { commonHeaders } from "../request/respond.ts";
import type { S3Request } from "../request/s3-request.ts";
import { sendBody } from "../request/send-body.ts";
import { openObjectKey, parseCustomerKey, requireMatchingKey } from "./encryption-request.ts";
import { findObject } from "./find-object.ts";
import { answersNotModified } from "./head-object.ts";
import { applyOverrides, objectHeaders } from "./object-headers.ts";
import { readVersion } from "./read-version.ts";
import { selectBytes } from "./select-bytes.ts";

/** GetObject: every byte is verified before it is sent. Source: API_GetObject. */
export async function getObject(request: S3Request): Promise<void> {
  const found = await findObject(request, true);
  const { bucketId } = request.bucket;
  const customerKey = parseCustomerKey(request);
  requireMatchingKey(request, { stored: found.meta, customerKey });
  const dataKey = found.plaintext
    ? undefined
    : openObjectKey(request, { bucketId, key: request.key, stored: found.meta, customerKey });
  if (answersNotModified(request, found)) return;
  const { status, range, headers: selectedHeaders } = await selectBytes(request, found);
  const headers = objectHeaders(request, found);
  applyOverrides(request, headers);
  Object.assign(headers, selectedHeaders, commonHeaders(request.id));
  headers["Content-Length"] = range.end - range.start;
  const { version } = found;
  const plaintext =
    found.plaintext ?? (version.body && dataKey ? openInline(dataKey, version.body, version.sizeBytes) : undefined);
  if (plaintext || !dataKey) {
    const pacing = request.pace(range.end - range.start);
    if (pacing !== undefined) await pacing;
    const waiting = request.gather(range.end - range.start);
    if (waiting !== undefined) await waiting;
    request.response.writeHead(status, headers);
    request.response.end(plaintext && cut(plaintext, range));
    return;
  }
  const source = readVersion(request.plane, { bucketId, version, dataKey, range });
  await sendBody(request, source, () => request.response.writeHead(status, headers));
}

function cut(plaintext: Uint8Array, range: ByteRange): Uint8Array {
  return range.start === 0 && range.end === plaintext.length ? plaintext : plaintext.subarray(range.start, range.end);
}
