import { type ETagList, matchesETag, parseETagList } from "./etag.ts";
import { type HeaderLookup, readHeader } from "./header-lookup.ts";
import { parseHttpDate } from "./http-date.ts";
import { S3Error } from "./s3-error.ts";

/** What read conditions are compared with; `etag` without quotes, times in milliseconds since 1970. */
export interface ReadTarget {
  readonly etag: string;
  readonly lastModifiedMs: number;
  /** The clock: an `If-Modified-Since` in the future is ignored. */
  readonly nowMs: number;
}

/** Conditions of Put, Copy, Complete, form and Rename. Plain data, sent to the catalog writer. */
export interface WriteConditions {
  readonly ifMatch?: ETagList;
  readonly ifNoneMatch?: ETagList;
}

/** Conditions of a delete; all that are present must hold. Plain data, sent to the catalog writer. */
export interface DeleteConditions {
  readonly ifMatch?: ETagList;
  /** Compared in whole seconds. */
  readonly lastModifiedMs?: number;
  readonly sizeBytes?: number;
}

/** The texts delete conditions are made of, from headers or from an `Object` element of DeleteObjects. */
export interface DeleteConditionTexts {
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
  readonly size: string | undefined;
}

/** The version that a conditional delete would remove. */
export interface DeleteTarget {
  readonly etag: string;
  readonly lastModifiedMs: number;
  readonly sizeBytes: number;
  readonly isDeleteMarker: boolean;
}

interface TimedConditions {
  readonly match: string | undefined;
  readonly noneMatch: string | undefined;
  readonly modifiedSince: string | undefined;
  readonly unmodifiedSince: string | undefined;
}

const noWriteConditions: WriteConditions = {};
const noDeleteConditions: DeleteConditions = {};
const decimal = /^\d{1,15}$/;

/**
 * Decides `If-Match` (else `If-Unmodified-Since`), then `If-None-Match` (else `If-Modified-Since`) of GetObject and
 * HeadObject. Times compare in whole seconds; an unreadable date is no condition. Call it after the permission check.
 * @throws S3Error PreconditionFailed (Condition).
 * Source: RFC 9110 section 13.2.2, https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
 */
export function evaluateReadConditions(headers: HeaderLookup, target: ReadTarget): "proceed" | "not-modified" {
  const conditions: TimedConditions = {
    match: readHeader(headers, "if-match"),
    noneMatch: readHeader(headers, "if-none-match"),
    modifiedSince: readHeader(headers, "if-modified-since"),
    unmodifiedSince: readHeader(headers, "if-unmodified-since"),
  };
  const failure = findFailure(conditions, target);
  if (failure === undefined) return "proceed";
  if (failure === "If-None-Match" || failure === "If-Modified-Since") return "not-modified";
  throw preconditionFailed(failure);
}

/**
 * Decides the `x-amz-copy-source-if-*` headers of CopyObject and UploadPartCopy; precedence as for reads.
 * @throws S3Error PreconditionFailed (Condition) whichever condition fails: a copy is never 304.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
 */
export function evaluateCopySourceConditions(headers: HeaderLookup, source: ReadTarget): void {
  const conditions: TimedConditions = {
    match: readHeader(headers, "x-amz-copy-source-if-match"),
    noneMatch: readHeader(headers, "x-amz-copy-source-if-none-match"),
    modifiedSince: readHeader(headers, "x-amz-copy-source-if-modified-since"),
    unmodifiedSince: readHeader(headers, "x-amz-copy-source-if-unmodified-since"),
  };
  const failure = findFailure(conditions, source);
  if (failure !== undefined) throw preconditionFailed(`x-amz-copy-source-${failure}`);
}

/**
 * Parses `If-Match` and `If-None-Match` of a write. Each may be `*` or ETags (AWS knows `*` only in If-None-Match and one
 * ETag only in If-Match).
 * @throws S3Error NotImplemented (Header) with both, InvalidArgument (ArgumentName, ArgumentValue) when one names nothing.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
 */
export function parseWriteConditions(headers: HeaderLookup): WriteConditions {
  const match = readHeader(headers, "if-match");
  const noneMatch = readHeader(headers, "if-none-match");
  if (match === undefined && noneMatch === undefined) return noWriteConditions;
  if (match !== undefined && noneMatch !== undefined) {
    throw new S3Error("NotImplemented", { fields: { Header: "If-None-Match" } });
  }
  if (match !== undefined) return { ifMatch: parseNonEmptyList(match, "If-Match") };
  return { ifNoneMatch: parseNonEmptyList(noneMatch ?? "", "If-None-Match") };
}

/**
 * Decides a conditional write against the current version, inside the commit; a delete marker counts as absent.
 * @throws S3Error NoSuchKey (Key) for If-Match on an absent key, else PreconditionFailed (Condition).
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
 */
export function evaluateWriteConditions(
  conditions: WriteConditions,
  current: { readonly etag: string; readonly isDeleteMarker: boolean } | undefined,
  key: string,
): void {
  const present = current === undefined || current.isDeleteMarker ? undefined : current;
  if (conditions.ifMatch !== undefined) {
    if (present === undefined) throw new S3Error("NoSuchKey", { fields: { Key: key } });
    if (!matchesETag(conditions.ifMatch, present.etag)) throw preconditionFailed("If-Match");
  }
  if (conditions.ifNoneMatch !== undefined && present !== undefined) {
    if (matchesETag(conditions.ifNoneMatch, present.etag)) throw preconditionFailed("If-None-Match");
  }
}

/**
 * Parses `If-Match`, `x-amz-if-match-last-modified-time` and `x-amz-if-match-size` of DeleteObject.
 * @throws S3Error InvalidArgument (ArgumentName, ArgumentValue) for an unreadable date or size, or a list that names nothing.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html
 */
export function parseDeleteConditions(headers: HeaderLookup): DeleteConditions {
  return parseDeleteConditionTexts({
    etag: readHeader(headers, "if-match"),
    lastModified: readHeader(headers, "x-amz-if-match-last-modified-time"),
    size: readHeader(headers, "x-amz-if-match-size"),
  });
}

/**
 * Parses the conditions of one delete from their texts; none gives an empty object.
 * @throws S3Error InvalidArgument (ArgumentName, ArgumentValue), named after the header.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ObjectIdentifier.html
 */
export function parseDeleteConditionTexts(texts: DeleteConditionTexts): DeleteConditions {
  const { etag, lastModified, size } = texts;
  if (etag === undefined && lastModified === undefined && size === undefined) return noDeleteConditions;
  const lastModifiedMs = lastModified === undefined ? undefined : parseHttpDate(lastModified);
  if (lastModified !== undefined && lastModifiedMs === undefined) {
    throw invalidArgument("x-amz-if-match-last-modified-time", lastModified);
  }
  if (size !== undefined && !decimal.test(size)) throw invalidArgument("x-amz-if-match-size", size);
  return {
    ...(etag === undefined ? {} : { ifMatch: parseNonEmptyList(etag, "If-Match") }),
    ...(lastModifiedMs === undefined ? {} : { lastModifiedMs }),
    ...(size === undefined ? {} : { sizeBytes: Number(size) }),
  };
}

/**
 * Decides a conditional delete against the current or the named version, inside the commit. `absent` means that there is
 * nothing to compare with: answer 204 and change nothing. A delete marker matches only `If-Match: *` alone.
 * @throws S3Error PreconditionFailed (Condition).
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html
 */
export function evaluateDeleteConditions(
  conditions: DeleteConditions,
  target: DeleteTarget | undefined,
): "proceed" | "absent" {
  const { ifMatch, lastModifiedMs, sizeBytes } = conditions;
  if (ifMatch === undefined && lastModifiedMs === undefined && sizeBytes === undefined) return "proceed";
  if (target === undefined) return "absent";
  const isMarker = target.isDeleteMarker;
  if (ifMatch !== undefined && (isMarker ? !ifMatch.any : !matchesETag(ifMatch, target.etag))) {
    throw preconditionFailed("If-Match");
  }
  if (lastModifiedMs !== undefined && (isMarker || toSeconds(lastModifiedMs) !== toSeconds(target.lastModifiedMs))) {
    throw preconditionFailed("x-amz-if-match-last-modified-time");
  }
  if (sizeBytes !== undefined && (isMarker || sizeBytes !== target.sizeBytes)) {
    throw preconditionFailed("x-amz-if-match-size");
  }
  return "proceed";
}

type TimedCondition = "If-Match" | "If-Unmodified-Since" | "If-None-Match" | "If-Modified-Since";

function findFailure(conditions: TimedConditions, target: ReadTarget): TimedCondition | undefined {
  const { match, noneMatch, modifiedSince, unmodifiedSince } = conditions;
  if (match !== undefined) {
    if (!matchesETag(parseETagList(match), target.etag)) return "If-Match";
  } else if (unmodifiedSince !== undefined) {
    const sinceMs = parseHttpDate(unmodifiedSince);
    if (sinceMs !== undefined && toSeconds(target.lastModifiedMs) > toSeconds(sinceMs)) return "If-Unmodified-Since";
  }
  if (noneMatch !== undefined) {
    if (matchesETag(parseETagList(noneMatch), target.etag)) return "If-None-Match";
  } else if (modifiedSince !== undefined) {
    const sinceMs = parseHttpDate(modifiedSince);
    if (sinceMs === undefined || toSeconds(sinceMs) > toSeconds(target.nowMs)) return undefined;
    if (toSeconds(target.lastModifiedMs) <= toSeconds(sinceMs)) return "If-Modified-Since";
  }
  return undefined;
}

function parseNonEmptyList(header: string, name: string): ETagList {
  const list = parseETagList(header);
  // Losing a condition of a write silently would overwrite what the client meant to protect.
  if (!list.any && list.etags.length === 0) throw invalidArgument(name, header);
  return list;
}

function toSeconds(ms: number): number {
  return Math.floor(ms / 1000);
}

function preconditionFailed(condition: string): S3Error {
  return new S3Error("PreconditionFailed", { fields: { Condition: condition } });
}

function invalidArgument(name: string, value: string): S3Error {
  return new S3Error("InvalidArgument", { fields: { ArgumentName: name, ArgumentValue: value } });
}
