import type { TLSSocket } from "node:tls";
import { tagValues } from "#kernel/policy/condition-keys.ts";
import type { ConditionValues } from "#kernel/policy/pattern.ts";
import type { BucketEntry } from "#kernel/protocol/snapshot.ts";
import { parseCopySource } from "#kernel/s3/copy-source.ts";
import { parseTaggingHeader, type Tag } from "#kernel/s3/tagging.ts";
import type { S3Request } from "./s3-request.ts";

/** What is known of the object that a question is about. */
export interface AskedObject {
  /** As the request names it. */
  readonly versionId: string | undefined;
  readonly tags: ReadonlyMap<string, string>;
}

/** Keys that only listings have; parameters of these names mean nothing elsewhere. */
const listingParameters: Readonly<Record<string, string>> = {
  "s3:prefix": "prefix",
  "s3:delimiter": "delimiter",
  "s3:max-keys": "max-keys",
};
const creatingOperations: ReadonlySet<string> = new Set([
  "PutObject",
  "CopyObject",
  "PostObject",
  "CreateMultipartUpload",
  "UploadPart",
  "UploadPartCopy",
  "CompleteMultipartUpload",
]);
const lockHeaders: Readonly<Record<string, string>> = {
  "s3:object-lock-mode": "x-amz-object-lock-mode",
  "s3:object-lock-retain-until-date": "x-amz-object-lock-retain-until-date",
  "s3:object-lock-legal-hold": "x-amz-object-lock-legal-hold",
};
const resourceTag = "aws:ResourceTag/";
const bucketTag = "s3:BucketTag/";
const requestTag = "s3:RequestObjectTag/";
const existingTag = "s3:ExistingObjectTag/";
const copySourceKey = "s3:x-amz-copy-source";
const dayMs = 86_400_000;

/**
 * The values of condition keys for one request about one bucket, looked up when a policy asks. Only what was verified counts: who
 * asks, the connection, signed headers and parameters. Source: the S3 page, "Who may do what"; the identity page, section 4.
 */
export class RequestValues implements ConditionValues {
  readonly #request: S3Request;
  readonly #bucket: BucketEntry | undefined;
  readonly #object: AskedObject | undefined;

  /**
   * @param bucket what is asked about; undefined for S3 as a whole and for a bucket that is to be made
   * @param object in the bucket, where it is another than the URL names: a key in a body, the source of a copy
   */
  constructor(request: S3Request, bucket: BucketEntry | undefined, object: AskedObject | undefined) {
    this.#request = request;
    this.#bucket = bucket;
    this.#object = object ?? request.askedObject;
  }

  get(name: string): string | readonly string[] | undefined {
    const { identity } = this.#request;
    const ofIdentity = identity.kind === "anonymous" ? anonymousValues.get(name) : identity.values.get(name);
    const known = ofIdentity ?? this.#request.facts.get(name);
    if (known !== undefined) return known;
    if (name.startsWith("aws:")) return this.#ofAnyService(name);
    if (name.startsWith("s3:")) return this.#ofS3(name);
    return name === "maxiofs:Via" ? "s3" : undefined;
  }

  #ofAnyService(name: string): string | readonly string[] | undefined {
    const request = this.#request;
    const { nowMs } = { nowMs: () => request.plane.clock.nowMs() };
    switch (name) {
      case "aws:CurrentTime":
        return new Date(nowMs()).toISOString();
      case "aws:EpochTime":
        return String(Math.floor(nowMs() / 1000));
      case "aws:SecureTransport":
        return String(request.secure);
      case "aws:SourceIp":
        return request.address;
      case "aws:UserAgent":
        return this.#header("user-agent");
      case "aws:Referer":
        return this.#header("referer");
      case "aws:RequestedRegion":
        return request.authentication.kind === "signed" ? request.authentication.seed?.scope.region : undefined;
      case "aws:ResourceAccount":
        return this.#bucket?.accountId;
      case "aws:MultiFactorAuthAge":
        return this.#mfaAge(nowMs());
      default:
        return name.startsWith(resourceTag) ? tagValues(resourceTag, this.#bucket?.tags ?? []).get(name) : undefined;
    }
  }

  /** Whole seconds; undefined without a second factor. */
  #mfaAge(nowMs: number): string | undefined {
    const { identity } = this.#request;
    const mfaAtMs = identity.kind === "session" ? identity.session.mfaAtMs : null;
    return mfaAtMs === null ? undefined : String(Math.max(0, Math.floor((nowMs - mfaAtMs) / 1000)));
  }

  #ofS3(name: string): string | readonly string[] | undefined {
    const parameter = listingParameters[name];
    if (parameter !== undefined) return this.#isListing() ? this.#request.query.get(parameter) : undefined;
    const lockHeader = lockHeaders[name];
    if (lockHeader !== undefined) return this.#header(lockHeader);
    if (name === copySourceKey) return this.#copySource();
    if (name.startsWith(existingTag)) return this.#object?.tags.get(name.slice(existingTag.length));
    if (name.startsWith("s3:x-amz-")) return this.#header(name.slice("s3:".length));
    if (name.startsWith(bucketTag)) return this.#bucketTag(name.slice(bucketTag.length));
    if (name.startsWith(requestTag))
      return this.#requestTags().find(({ key }) => key === name.slice(requestTag.length))?.value;
    return this.#ofS3Request(name);
  }

  #ofS3Request(name: string): string | readonly string[] | undefined {
    const request = this.#request;
    switch (name) {
      case "s3:VersionId":
        return this.#object === undefined ? request.versionId : this.#object.versionId;
      case "s3:if-match":
      case "s3:if-none-match":
        return this.#header(name.slice("s3:".length));
      case "s3:RequestObjectTagKeys":
        return this.#requestTags().map(({ key }) => key);
      case "s3:ResourceAccount":
        return this.#bucket?.accountId;
      case "s3:TlsVersion":
        return request.secure ? tlsVersion(request) : undefined;
      case "s3:ObjectCreationOperation":
        return String(creatingOperations.has(request.spec.name));
      case "s3:object-lock-remaining-retention-days":
        return this.#remainingDays();
      default:
        return this.#ofSignature(name);
    }
  }

  #ofSignature(name: string): string | undefined {
    const { authentication, plane } = this.#request;
    if (authentication.kind === "anonymous") return undefined;
    switch (name) {
      case "s3:authType":
        return authentication.carrier === "header" ? "REST-HEADER" : "REST-QUERY-STRING";
      case "s3:signatureversion":
        return authentication.version === "v4" ? "AWS4-HMAC-SHA256" : "AWS";
      case "s3:signatureAge":
        return String(Math.max(0, plane.clock.nowMs() - authentication.signedAtMs));
      default:
        return undefined;
    }
  }

  #isListing(): boolean {
    const { name } = this.#request.spec;
    return name.startsWith("List") && name !== "ListBuckets" && name !== "ListParts";
  }

  /** Headers travel as bytes; policies are Unicode. */
  #header(name: string): string | undefined {
    const value = this.#request.header(name);
    return value === undefined ? undefined : Buffer.from(value, "latin1").toString("utf8");
  }

  #bucketTag(wanted: string): string | undefined {
    return this.#bucket?.tags.find(([key]) => key === wanted)?.[1];
  }

  /** Decoded: there are many ways to spell it. */
  #copySource(): string | undefined {
    const header = this.#request.header("x-amz-copy-source");
    if (header === undefined) return undefined;
    const { bucket, key, versionId } = parseCopySource(header);
    const slash = /^(?:\/|%2f)/i.test(header) ? "/" : "";
    return `${slash}${bucket}/${key}${versionId === undefined ? "" : `?versionId=${versionId}`}`;
  }

  /** A copy that takes its source's tags does not look at those of the request. */
  #requestTags(): readonly Tag[] {
    const { name } = this.#request.spec;
    const directive = this.#request.header("x-amz-tagging-directive") ?? "COPY";
    if (name === "CopyObject" && directive.toUpperCase() !== "REPLACE") return [];
    return parseTaggingHeader(this.#request.header("x-amz-tagging") ?? "");
  }

  #remainingDays(): string | undefined {
    const untilMs = Date.parse(this.#header("x-amz-object-lock-retain-until-date") ?? "");
    return Number.isNaN(untilMs)
      ? undefined
      : String(Math.floor((untilMs - this.#request.plane.clock.nowMs()) / dayMs));
  }
}

const anonymousValues: ReadonlyMap<string, string> = new Map([
  ["aws:userid", "anonymous"],
  ["aws:PrincipalType", "Anonymous"],
]);

function tlsVersion(request: S3Request): string | undefined {
  const { getProtocol } = request.message.socket as Partial<TLSSocket>;
  return getProtocol?.call(request.message.socket)?.replace("TLSv", "");
}
