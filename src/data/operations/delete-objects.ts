import type { DeleteMutation, MutationSuccess } from "#kernel/protocol/mutation.ts";
import { maxKeyBytes, parseObjectKey } from "#kernel/s3/object-key.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import { type ObjectToDelete, readDeleteObjects } from "#kernel/xml/read-delete-objects.ts";
import { renderElement, renderOptionalElement, renderTextElement, renderXmlDocument } from "#kernel/xml/write-xml.ts";
import { maxLargeXmlBytes } from "#kernel/xml/xml-element.ts";
import type { ObjectVersion } from "../catalog/catalog.ts";
import { toS3Error } from "../request/error-document.ts";
import { askedObject, asksObjectTags } from "../request/load-object-tags.ts";
import { readSmallBody } from "../request/read-small-body.ts";
import { respondXml } from "../request/respond.ts";
import type { S3Request } from "../request/s3-request.ts";

/** What an entry has beside key and version id, at most: a refusal names who asked. */
const entryBytes = 1_024;

/** Version ids of other sites may have up to this many bytes; none has a space or a control character. */
const wellFormedVersionId = new RegExp(`^[!-~]{1,${maxKeyBytes}}$`);

/**
 * DeleteObjects: every key is judged for itself, all deletes are committed together, results come in the order of the
 * request. Source: API_DeleteObjects.
 */
export async function deleteObjects(request: S3Request): Promise<void> {
  // No action guards the bucket as a whole: nobody's body is not even read.
  if (request.identity.kind === "anonymous") throw new S3Error("AccessDenied");
  const body = await readSmallBody(request, maxLargeXmlBytes, { requireDigest: true });
  const { objects, quiet } = readDeleteObjects(body);
  // Before anything is deleted: the answer is long where keys are, and must be sent then.
  await request.gather(objects.reduce((sum, object) => sum + answerBound(object), 0));
  const entries = await Promise.all(objects.map((object) => deleteOne(request, object, quiet)));
  respondXml(request, renderXmlDocument("DeleteResult", entries.join("")));
}

/** Bytes that the answer has for one key at most: a refusal has the key twice. */
function answerBound({ key, versionId }: ObjectToDelete): number {
  const named = 2 * Buffer.byteLength(renderTextElement("Key", key));
  return named + Buffer.byteLength(renderOptionalElement("VersionId", versionId)) + entryBytes;
}

/**
 * No await before the commit is handed over, unless policies ask for the object's tags: mutations of one turn of the event loop travel
 * and commit together.
 */
async function deleteOne(request: S3Request, object: ObjectToDelete, quiet: boolean): Promise<string> {
  try {
    const tagged = asksObjectTags(request) ? await lookUp(request, object) : undefined;
    const result = await request.commit(toMutation(request, object, tagged));
    return quiet ? "" : renderDeleted(object, result);
  } catch (thrown) {
    return renderFailure(object, toS3Error(thrown));
  }
}

async function lookUp(request: S3Request, { key, versionId }: ObjectToDelete): Promise<ObjectVersion | undefined> {
  const { bucket, plane } = request;
  return versionId === undefined
    ? plane.catalog.findNewest(bucket.bucketId, key, false)
    : plane.catalog.findVersion(bucket.bucketId, { key, versionId, withBody: false });
}

/** @throws S3Error AccessDenied, NoSuchVersion (an ill-formed id), KeyTooLongError */
function toMutation(request: S3Request, object: ObjectToDelete, tagged: ObjectVersion | undefined): DeleteMutation {
  const { bucket, id: requestId, principal } = request;
  const key = parseObjectKey(object.key);
  const versionId = object.versionId ?? null;
  const action = versionId === null ? "s3:DeleteObject" : "s3:DeleteObjectVersion";
  request.requireFor(askedObject(tagged, object.versionId), { action, bucket, key });
  if (versionId !== null && !wellFormedVersionId.test(versionId)) throw new S3Error("NoSuchVersion");
  const conditions = Object.keys(object.conditions).length === 0 ? null : object.conditions;
  return { kind: "delete", bucketId: bucket.bucketId, key, requestId, principal, versionId, conditions };
}

/** A marker that was made is named beside the key, one that was removed is the version named. */
function renderDeleted({ key, versionId }: ObjectToDelete, result: MutationSuccess): string {
  const marker = result.deleteMarker
    ? renderTextElement("DeleteMarker", true) +
      renderOptionalElement("DeleteMarkerVersionId", result.versionId ?? undefined)
    : "";
  return renderElement(
    "Deleted",
    renderTextElement("Key", key) + renderOptionalElement("VersionId", versionId) + marker,
  );
}

function renderFailure({ key, versionId }: ObjectToDelete, { code, message }: S3Error): string {
  const content =
    renderTextElement("Key", key) +
    renderOptionalElement("VersionId", versionId) +
    renderTextElement("Code", code) +
    renderTextElement("Message", message);
  return renderElement("Error", content);
}
