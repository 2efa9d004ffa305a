import type { IncomingMessage, ServerResponse } from "node:http";
import type { BucketEntry } from "#kernel/protocol/snapshot.ts";
import { checkHeaderFamilies } from "#kernel/s3/check-header-families.ts";
import { checkRepeatedHeaders } from "#kernel/s3/check-repeated-headers.ts";
import type { S3ErrorCode } from "#kernel/s3/error-code.ts";
import { type HeaderLookup, readHeader } from "#kernel/s3/header-lookup.ts";
import { matchOperation, type Selectors } from "#kernel/s3/match-operation.ts";
import { parseObjectKey } from "#kernel/s3/object-key.ts";
import type { OperationSpec } from "#kernel/s3/operation.ts";
import type { OperationName } from "#kernel/s3/operation-name.ts";
import { parseQuery, type QueryParameters } from "#kernel/s3/query-parameters.ts";
import { parseRequestTarget, type RequestTarget, targetLevel } from "#kernel/s3/request-target.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import type { Authentication } from "#kernel/sigv4/authentication.ts";
import { authenticateRequest } from "#kernel/sigv4/verify-request.ts";
import type { Identity } from "../authorize.ts";
import { describeProblem, findProblemKind } from "../catalog/catalog-problem.ts";
import type { DataPlane } from "../data-plane.ts";
import { announcesBody, ClosingResponse } from "../listener/closing-response.ts";
import { CountedRequest } from "../listener/counted-request.ts";
import { unsupportedTransferEncoding } from "../listener/server-limits.ts";
import { findHandler } from "../operations/operation-handlers.ts";
import { authorizeRequest } from "../request/authorize-request.ts";
import { toS3Error } from "../request/error-document.ts";
import { findSecret, identify } from "../request/identify.ts";
import { loadObjectTags } from "../request/load-object-tags.ts";
import { noteMismatch } from "../request/note-mismatch.ts";
import { S3Request } from "../request/s3-request.ts";
import { answerSts, type CountAuthentication } from "./answer-sts.ts";
import { findAuthMethod } from "./auth-method.ts";
import type { RequestObserver } from "./observe-requests.ts";
import { isServiceForm } from "./read-form.ts";
import { recordDataEvent } from "./record-data-event.ts";
import { refuseInMaintenance } from "./refuse-in-maintenance.ts";
import { renderError } from "./render-error.ts";
import { RequestIds } from "./request-ids.ts";

const maxHeaderPairs = 128;
/** What they find damaged is the object they name; a copy names another one. */
const readingOperations: ReadonlySet<string> = new Set<OperationName>([
  "GetObject",
  "HeadObject",
  "GetObjectAttributes",
  "GetObjectTagging",
]);
/** Browsers sign no preflight, even when the request it is for is signed. */
const unauthenticated: Caller = {
  authentication: { kind: "anonymous", payload: { kind: "unsigned" } },
  identity: { kind: "anonymous" },
};

/**
 * Answers one request: parse, limits, authentication, bucket, authorisation, operation; errors are rendered here and
 * nowhere else.
 */
export class RequestHandler {
  readonly #plane: DataPlane;
  readonly #observe: RequestObserver;
  readonly #requestIds = new RequestIds();

  constructor(plane: DataPlane, observe: RequestObserver) {
    this.#plane = plane;
    this.#observe = observe;
  }

  /** @param awaitsContinue the client wants `100 Continue` before it sends the body */
  async handle(message: IncomingMessage, response: ServerResponse, awaitsContinue: boolean): Promise<void> {
    const startedMs = this.#plane.clock.monotonicMs();
    const id = this.#requestIds.next();
    this.#observe.began(id, message);
    let spec: OperationSpec | undefined;
    let errorCode: S3ErrorCode | undefined;
    let resource = "/";
    let target: RequestTarget | undefined;
    let request: S3Request | undefined;
    try {
      target = parseRequestTarget(
        message.url ?? "/",
        message.headers.host,
        this.#plane.snapshot.settings["server.s3_domains"],
      );
      resource = renderResource(target);
      const query = parseLimited(message, target);
      if (isServiceForm(message, target)) {
        const { rawQuery } = target;
        const count: CountAuthentication = (authenticate) => this.#count(message, rawQuery, authenticate);
        await answerSts(this.#plane, { id, message, response, awaitsContinue, target, count });
      } else {
        spec = chooseOperation(message, target, { query, headers: message.headers });
        const caller = spec.name === "Preflight" ? unauthenticated : this.#authenticateCounted(message, target);
        const headers = mergeHoisted(message.headers, caller.authentication);
        // Parameters of a presigned URL are headers once the signature is verified: they may select another operation.
        if (headers !== message.headers) spec = chooseOperation(message, target, { query, headers });
        const parts = { id, message, response, awaitsContinue, target, query, spec, caller, headers };
        request = this.#open(parts);
        this.#plane.keyUses.note(request.identity, "s3", spec.name);
        this.#plane.running.add(request);
        await loadObjectTags(request);
        this.#admit(request, target.bucket !== undefined);
        await findHandler(spec.name)(request);
      }
    } catch (thrown) {
      errorCode = this.#fail(thrown, {
        id,
        message,
        response,
        resource,
        target,
        versionId: request?.versionId,
        awaitsContinue,
        operation: spec?.name,
      });
    } finally {
      if (request !== undefined) {
        request.endGathering();
        this.#plane.running.delete(request);
      }
    }
    // What arrived, not what was announced: anybody may announce petabytes.
    const bytesIn = message instanceof CountedRequest ? message.receivedBytes : 0;
    // What was written, not what was promised: an answer may have no length, or be cut.
    const bytesOut = message.method !== "HEAD" && response instanceof ClosingResponse ? response.sentBytes : 0;
    // As it was when the request began: the name may be another's bucket by now.
    const isOpened = request !== undefined && spec?.name !== "CreateBucket";
    const entry = isOpened ? request?.foundBucket : this.#findBucket(target);
    const { bucketId, metricsRow: bucketRow = 0 } = entry ?? {};
    if (spec !== undefined && this.#plane.dataEvents.wants(spec)) {
      const moved = { status: response.statusCode, bytesIn, bytesOut };
      recordDataEvent(this.#plane, { id, message, target, entry, spec, request, errorCode, moved });
    }
    this.#observe.finished({
      ...{ id, operation: spec, status: response.statusCode, errorCode, startedMs, bytesIn, bytesOut, bucketRow },
      ...{ message, bucket: target?.bucket, bucketId, authentication: request?.authentication },
    });
  }

  #findBucket(target: RequestTarget | undefined): BucketEntry | undefined {
    return target?.bucket === undefined ? undefined : this.#plane.snapshot.findBucket(target.bucket);
  }

  #open(parts: OpenParts): S3Request {
    const { target, spec } = parts;
    checkHeaderFamilies(spec, parts.headers);
    const bucketEntry = this.#findBucket(target);
    const { authentication, identity } = parts.caller;
    this.#plane.limits.admit({ identity, bucket: bucketEntry }, parts.message.socket);
    return new S3Request({
      id: parts.id,
      message: parts.message,
      response: parts.response,
      plane: this.#plane,
      spec,
      query: parts.query,
      headers: parts.headers,
      authentication,
      identity,
      bucketName: target.bucket,
      bucketEntry,
      objectKey: target.key === undefined ? undefined : parseObjectKey(target.key),
      awaitsContinue: parts.awaitsContinue,
    });
  }

  /** @throws S3Error NoSuchBucket, AccessDenied, ServiceUnavailable in maintenance */
  #admit(request: S3Request, hasBucket: boolean): void {
    const { spec } = request;
    const hasOwner = hasBucket && spec.name !== "CreateBucket" && spec.name !== "Preflight";
    if (hasOwner) checkExpectedOwner(request);
    authorizeRequest(request);
    this.#plane.dataEvents.admit(spec);
    refuseInMaintenance(spec, this.#plane.snapshot.settings["system.maintenance_mode"]);
  }

  #authenticateCounted(message: IncomingMessage, target: RequestTarget): Caller {
    let { identity } = unauthenticated;
    const authentication = this.#count(message, target.rawQuery, () => {
      const verified = this.#authenticate(message, target);
      identity = identify(verified, this.#plane);
      return verified;
    });
    return { authentication, identity };
  }

  /** Authentication, counted. */
  #count(message: IncomingMessage, rawQuery: string, authenticate: () => Authentication): Authentication {
    const method = findAuthMethod(message.headers, rawQuery);
    try {
      const authentication = authenticate();
      if (authentication.kind === "signed" && method !== undefined) this.#observe.authenticated(method);
      return authentication;
    } catch (error) {
      if (method !== undefined && error instanceof S3Error) this.#observe.refused(method, error.code);
      throw error;
    }
  }

  #authenticate(message: IncomingMessage, target: RequestTarget): Authentication {
    const { settings } = this.#plane.snapshot;
    // SigV2 signs no Host: wherever the bucket came from it, the bucket is part of what must have been signed.
    const isVirtualHost = target.isVirtualHost && target.bucket !== undefined;
    return authenticateRequest(
      {
        method: message.method ?? "GET",
        rawPath: target.rawPath,
        rawQuery: target.rawQuery,
        headers: message.headers,
        rawHeaders: message.rawHeaders,
        ...(isVirtualHost ? { virtualHostBucket: target.bucket } : {}),
      },
      {
        findKey: (accessKeyId, securityToken) => findSecret(this.#plane, accessKeyId, securityToken),
        nowMs: this.#plane.clock.nowMs(),
        signatureV2: settings["security.signature_v2"],
        region: settings["s3.region"],
        strictRegion: settings["s3.strict_region"],
      },
    );
  }

  #fail(thrown: unknown, place: FailurePlace): S3ErrorCode {
    const { message, response } = place;
    const error = toS3Error(thrown);
    noteMismatch(this.#plane, error, place);
    if (error.status >= 500 && !(thrown instanceof S3Error)) this.#tellFailure(thrown, place);
    if (response.headersSent) {
      response.destroy();
      return error.code;
    }
    const closes = place.awaitsContinue || (!message.complete && announcesBody(message)) || hasForeignCoding(message);
    renderError(response, error, {
      requestId: place.id,
      resource: place.resource,
      isHead: message.method === "HEAD",
      closes,
    });
    return error.code;
  }

  /** What says something about the bucket is told as that, because a damaged bucket fails many requests. */
  #tellFailure(thrown: unknown, { id, operation = "unknown", target, versionId }: FailurePlace): void {
    const { reportProblem, damagedObjects, log } = this.#plane;
    const kind = findProblemKind(thrown);
    const reason = describeProblem(thrown);
    const bucket = this.#findBucket(target);
    if (kind && bucket) {
      const { bucketId } = bucket;
      const key = target?.key;
      const isOwn = kind === "object" && key !== undefined && readingOperations.has(operation);
      const object = isOwn ? damagedObjects.note({ bucketId, key, versionId }) : undefined;
      reportProblem({
        bucketId,
        kind,
        reason,
        ...(key !== undefined && { key }),
        ...(object !== undefined && { object }),
      });
      return;
    }
    const { name, bucketId } = bucket ?? {};
    log("error", "Request failed", {
      requestId: id,
      operation,
      ...(name && bucketId && { bucket: name, bucketId }),
      reason,
    });
  }
}

interface OpenParts {
  readonly id: string;
  readonly message: IncomingMessage;
  readonly response: ServerResponse;
  readonly awaitsContinue: boolean;
  readonly target: RequestTarget;
  readonly query: QueryParameters;
  readonly spec: OperationSpec;
  readonly caller: Caller;
  readonly headers: HeaderLookup;
}

interface Caller {
  readonly authentication: Authentication;
  readonly identity: Identity;
}

interface FailurePlace {
  readonly id: string;
  readonly message: IncomingMessage;
  readonly response: ServerResponse;
  readonly resource: string;
  /** Undefined when it could not be parsed. */
  readonly target: RequestTarget | undefined;
  readonly versionId: string | undefined;
  readonly awaitsContinue: boolean;
  readonly operation: string | undefined;
}

function parseLimited(message: IncomingMessage, target: RequestTarget): QueryParameters {
  if (hasForeignCoding(message)) throw unsupportedTransferEncoding();
  if (message.headers.host === undefined && message.httpVersion !== "1.0")
    throw new S3Error("BadRequest", { message: "A request must have a Host header" });
  if (message.rawHeaders.length > maxHeaderPairs * 2)
    throw new S3Error("BadRequest", { message: `A request may have ${maxHeaderPairs} header lines` });
  checkRepeatedHeaders(message.headers, message.rawHeaders);
  return parseQuery(target.rawQuery);
}

function chooseOperation(message: IncomingMessage, target: RequestTarget, selectors: Selectors): OperationSpec {
  return matchOperation(message.method ?? "GET", targetLevel(target), selectors);
}

/** Headers that came as signed query parameters are headers; where both came, the signature covered both. */
function mergeHoisted(headers: HeaderLookup, authentication: Authentication): HeaderLookup {
  if (authentication.kind === "anonymous" || Object.keys(authentication.hoistedHeaders).length === 0) return headers;
  return { ...authentication.hoistedHeaders, ...headers };
}

/** @throws S3Error NoSuchBucket, AccessDenied when the caller expects another owner */
function checkExpectedOwner(request: S3Request): void {
  const { bucket } = request;
  const expected = readHeader(request.headers, "x-amz-expected-bucket-owner");
  if (expected !== undefined && expected !== bucket.accountId && expected !== bucket.ownerCanonicalId)
    throw request.refuseFor("The bucket has another owner than x-amz-expected-bucket-owner names");
}

function renderResource(target: RequestTarget): string {
  if (target.bucket === undefined) return "/";
  return target.key === undefined ? `/${target.bucket}` : `/${target.bucket}/${target.key}`;
}

/** Whether the body comes in any transfer coding but `chunked` alone; the engine reads `gzip, chunked` as plain chunks. */
function hasForeignCoding({ headers }: IncomingMessage): boolean {
  const coding = headers["transfer-encoding"];
  return coding !== undefined && coding.toLowerCase() !== "chunked";
}
