import { defaultChecksumAlgorithm } from "#kernel/s3/checksum.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import type { RunningChecksum } from "../checksum/running-checksum.ts";
import { openInline, sealInline } from "../crypto/inline-body.ts";
import type { ObjectMeta } from "../object-meta.ts";
import { GatheredBody } from "../request/gathered-body.ts";
import { announcedLength, type ReceivedBody, type ReceiveOptions, receiveBody } from "../request/receive-body.ts";
import type { S3Request } from "../request/s3-request.ts";
import { type AppendedBytes, type AppendedTo, emptyAppend } from "./appended-object.ts";
import { makeObjectKey, randomETag } from "./encryption-request.ts";
import { discardBlob, finishBlob, maxBodyBytes } from "./store-body.ts";

interface WholeObject {
  readonly request: S3Request;
  readonly target: AppendedTo;
  /** Verified plaintext of the object as it is. */
  readonly before: Uint8Array;
  readonly md5: InstanceType<typeof Bun.CryptoHasher>;
  readonly checksum: RunningChecksum;
  readonly dataKey: Uint8Array;
  readonly stored: Pick<ObjectMeta, "key" | "customerKeyMd5">;
}

/**
 * Stores a small object again with the new bytes behind it, under a fresh data key: with the old one, two appends to copies
 * of one object would encrypt different bytes with the same key stream.
 * @throws S3Error as `receiveBody`, InvalidRequest (no bytes)
 */
export async function appendInline(request: S3Request, target: AppendedTo, body: Uint8Array): Promise<AppendedBytes> {
  const { version, meta, customerKey } = target;
  // The object as it is stays in memory until the client has sent the rest, as slowly as it likes.
  await request.gather(version.sizeBytes);
  const before = openInline(target.dataKey, body, version.sizeBytes);
  const checksum = await request.plane.checksums.start(meta.checksum?.algorithm ?? defaultChecksumAlgorithm);
  try {
    const md5 = new Bun.CryptoHasher("md5").update(before);
    checksum.update(before);
    const { dataKey, stored } = makeObjectKey(request, {
      bucketId: request.bucket.bucketId,
      key: request.key,
      customerKey,
    });
    const whole: WholeObject = { request, target, before, md5, checksum, dataKey, stored };
    const length = announcedLength(request, false);
    const threshold = request.plane.snapshot.settings["storage.inline_threshold"];
    return await (length !== undefined && before.length + length <= threshold
      ? storeInline(whole, length)
      : storeBlob(whole));
  } finally {
    checksum.release();
  }
}

async function storeInline(whole: WholeObject, length: number): Promise<AppendedBytes> {
  const { before, dataKey } = whole;
  const totalLength = before.length + length;
  const body = new GatheredBody(whole.request, totalLength);
  await body.append(before);
  const received = await receive(whole, (data) => {
    if (body.length + data.length > totalLength) throw new S3Error("IncompleteBody");
    return body.append(data);
  });
  const inline = sealInline(dataKey, body.bytes);
  const described = describe(whole, received);
  return { ...described, bytes: { kind: "inline", slice: [0, inline.length] }, inline, discard: async () => {} };
}

async function storeBlob(whole: WholeObject): Promise<AppendedBytes> {
  const { request, before, dataKey, stored } = whole;
  const { bucketId } = request.bucket;
  const sink = await request.plane.blobs.create(bucketId, dataKey);
  try {
    await sink.write(before);
    const received = await receive(whole, (data) => sink.write(data));
    const described = describe(whole, received);
    const facts = {
      bucketId,
      key: request.key,
      wrappedKey: stored.key,
      etag: described.etag,
      meta: JSON.stringify(described.meta),
    };
    const blob = await finishBlob(sink, facts);
    return {
      ...described,
      bytes: { kind: "blob", blob },
      inline: undefined,
      discard: (reason) => discardBlob(sink, reason),
    };
  } catch (error) {
    await sink.abandon();
    throw error;
  }
}

/** Takes the new bytes; what the client sent to verify them speaks of them alone. */
async function receive({ request, md5, checksum }: WholeObject, sink: ReceiveOptions["sink"]): Promise<ReceivedBody> {
  const received = await receiveBody(request, {
    maxBytes: maxBodyBytes(request),
    lengthOptional: false,
    defaultChecksum: undefined,
    wantMd5: false,
    sink: (data) => {
      md5.update(data);
      checksum.update(data);
      return sink(data);
    },
  });
  if (received.sizeBytes === 0) throw emptyAppend();
  return received;
}

/** The new object: it is whole again, so its ETag is the MD5 of its content. */
function describe(
  { target, before, md5, checksum, stored }: WholeObject,
  received: ReceivedBody,
): Pick<AppendedBytes, "sizeBytes" | "etag" | "meta"> {
  const { headers, user, storageClass, appendCount = 0 } = target.meta;
  const value = Buffer.from(checksum.digest()).toString("base64");
  const meta: ObjectMeta = {
    headers,
    user,
    storageClass,
    checksum: { algorithm: checksum.algorithm, type: "FULL_OBJECT", value },
    ...stored,
    appendCount: appendCount + 1,
  };
  const etag = target.customerKey ? randomETag() : md5.digest("hex");
  return { sizeBytes: before.length + received.sizeBytes, etag, meta };
}
