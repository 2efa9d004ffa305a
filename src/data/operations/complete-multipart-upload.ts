import type { MutationSuccess } from "#kernel/protocol/mutation.ts";
import { defaultChecksumAlgorithm } from "#kernel/s3/checksum.ts";
import type { WriteConditions } from "#kernel/s3/conditional-request.ts";
import { quoteETag } from "#kernel/s3/etag.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import {
  maxPartNumber,
  type PartToComplete,
  readCompleteMultipartUpload,
} from "#kernel/xml/read-complete-multipart-upload.ts";
import { renderTextElement, renderXmlDocument } from "#kernel/xml/write-xml.ts";
import { maxLargeXmlBytes } from "#kernel/xml/xml-element.ts";
import { type AssembledObject, assembleObject, fingerprintOf, toListedParts } from "../multipart/assemble-object.ts";
import {
  type CompletionExpectations,
  checkExpectations,
  parseExpectations,
} from "../multipart/completion-expectations.ts";
import { type FoundUpload, findUpload } from "../multipart/find-upload.ts";
import { encodeFlags, type ObjectMeta, parseObjectMeta } from "../object-meta.ts";
import { readSmallBody } from "../request/read-small-body.ts";
import { respondSlowly, type SlowAnswer } from "../request/respond-slowly.ts";
import type { S3Request } from "../request/s3-request.ts";
import { encryptionHeaders, parseCustomerKey, requireMatchingKey } from "./encryption-request.ts";
import { newVersionIdHeader } from "./object-headers.ts";
import { renderChecksum } from "./render-checksum.ts";
import { writeConditions } from "./write-conditions.ts";

/** A completion as the client asks for it. */
interface Completion {
  readonly upload: FoundUpload;
  readonly listed: readonly PartToComplete[];
  readonly expectations: CompletionExpectations;
  readonly conditions: WriteConditions | null;
}

/** What a completion has to be known by: of the object in the commit, and of an earlier one that is repeated. */
interface CompletedObject extends AssembledObject {
  readonly flags: number;
  /** JSON of `ObjectMeta`. */
  readonly meta: string;
}

/**
 * CompleteMultipartUpload: one commit that lists the parts, no byte is copied. The same completion within a day repeats its
 * answer. Source: API_CompleteMultipartUpload.
 */
export async function completeMultipartUpload(request: S3Request): Promise<void> {
  const conditions = writeConditions(request);
  const expectations = parseExpectations(request.headers);
  const customerKey = parseCustomerKey(request);
  const uploadId = request.query.get("uploadId") ?? "";
  const body = await readSmallBody(request, maxLargeXmlBytes, { ignoreChecksumHeaders: true });
  const upload = await findUpload(request.plane.catalog, {
    bucketId: request.bucket.bucketId,
    key: request.key,
    uploadId,
  });
  if (customerKey) requireMatchingKey(request, { stored: upload.meta, customerKey });
  const listed = readCompleteMultipartUpload(body, uploadId);
  await respondSlowly(request, () => complete(request, { upload, listed, expectations, conditions }));
}

async function complete(request: S3Request, completion: Completion): Promise<SlowAnswer> {
  const object = completion.upload.completed
    ? repeatedObject(completion)
    : await newObjectUnlessEnded(request, completion);
  const result = await commit(request, completion, object);
  const meta = parseObjectMeta(result.meta ?? object.meta);
  // A repeated answer, too, is for who expects what was made then.
  if (result.meta !== undefined && meta.checksum !== null)
    checkExpectations(completion.expectations, { checksum: meta.checksum, sizeBytes: result.sizeBytes });
  return answer(request, result, meta);
}

/** Parts that are missing may have gone with an upload that was ended meanwhile. */
async function newObjectUnlessEnded(request: S3Request, completion: Completion): Promise<CompletedObject> {
  try {
    return await newObject(request, completion);
  } catch (error) {
    if (!(error instanceof S3Error) || error.code !== "InvalidPart") throw error;
    const { uploadId } = completion.upload;
    const upload = await findUpload(request.plane.catalog, {
      bucketId: request.bucket.bucketId,
      key: request.key,
      uploadId,
    });
    if (upload.completed) return repeatedObject(completion);
    throw error;
  }
}

/** Nothing of it is stored: the writer compares the list and repeats its answer. */
function repeatedObject({ listed }: Completion): CompletedObject {
  const parts = toListedParts(listed);
  const checksum = { algorithm: defaultChecksumAlgorithm, type: "FULL_OBJECT", value: "" } as const;
  return { etag: "", sizeBytes: 0, checksum, fingerprint: fingerprintOf(parts), parts, flags: 0, meta: "{}" };
}

async function newObject(request: S3Request, { upload, listed, expectations }: Completion): Promise<CompletedObject> {
  const { catalog, checksums } = request.plane;
  const stored = await catalog.listParts(request.bucket.bucketId, upload.uploadId, { marker: 0, limit: maxPartNumber });
  const assembled = await assembleObject(checksums, { upload, listed, stored });
  checkExpectations(expectations, assembled);
  const { headers, user, storageClass, key, customerKeyMd5 } = upload.meta;
  const meta: ObjectMeta = {
    headers,
    user,
    storageClass,
    checksum: assembled.checksum,
    key,
    ...(customerKeyMd5 === undefined ? {} : { customerKeyMd5 }),
    partCount: assembled.parts.length,
  };
  return { ...assembled, flags: encodeFlags(meta.checksum, storageClass), meta: JSON.stringify(meta) };
}

function commit(
  request: S3Request,
  { upload, conditions }: Completion,
  object: CompletedObject,
): Promise<MutationSuccess> {
  const { key, id: requestId, principal } = request;
  const { parts, fingerprint, sizeBytes, etag, flags, meta } = object;
  return request.commit({
    kind: "completeUpload",
    bucketId: request.bucket.bucketId,
    key,
    requestId,
    principal,
    uploadId: upload.uploadId,
    parts,
    fingerprint,
    sizeBytes,
    etag,
    flags,
    meta,
    attributes: upload.meta.attributes,
    conditions,
  });
}

function answer(request: S3Request, result: MutationSuccess, meta: ObjectMeta): SlowAnswer {
  const headers = { ...encryptionHeaders(meta), ...newVersionIdHeader(result) };
  const content =
    renderTextElement("Location", locationOf(request)) +
    renderTextElement("Bucket", request.bucketName) +
    renderTextElement("Key", request.key) +
    renderTextElement("ETag", quoteETag(result.etag ?? "")) +
    renderChecksum(meta.checksum);
  return { document: renderXmlDocument("CompleteMultipartUploadResult", content), headers };
}

/** The URL the client used, without its query. */
function locationOf({ message, secure }: S3Request): string {
  const [path] = (message.url ?? "/").split("?", 1);
  return `${secure ? "https" : "http"}://${message.headers.host ?? ""}${path ?? "/"}`;
}
