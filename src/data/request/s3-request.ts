import type { IncomingMessage, ServerResponse } from "node:http";
import type { BucketEntry, KeyEntry } from "#kernel/protocol/snapshot.ts";
import { type HeaderLookup, readHeader } from "#kernel/s3/header-lookup.ts";
import type { ObjectKey } from "#kernel/s3/object-key.ts";
import type { OperationSpec } from "#kernel/s3/operation.ts";
import type { QueryParameters } from "#kernel/s3/query-parameters.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import type { Authentication } from "#kernel/sigv4/authentication.ts";
import { authorize, type Identity } from "../authorize.ts";
import type { DataPlane } from "../data-plane.ts";

/** The parts of a request that are known once it is authenticated. */
export interface RequestParts {
  readonly id: string;
  readonly message: IncomingMessage;
  readonly response: ServerResponse;
  readonly plane: DataPlane;
  readonly spec: OperationSpec;
  readonly query: QueryParameters;
  readonly headers: HeaderLookup;
  readonly authentication: Authentication;
  readonly identity: Identity;
  readonly bucketName: string | undefined;
  readonly bucketEntry: BucketEntry | undefined;
  readonly objectKey: ObjectKey | undefined;
  readonly awaitsContinue: boolean;
}

/** One S3 request on its way through an operation: parsed, authenticated, its bucket found. */
export class S3Request {
  readonly id: string;
  readonly message: IncomingMessage;
  readonly response: ServerResponse;
  readonly plane: DataPlane;
  readonly spec: OperationSpec;
  readonly query: QueryParameters;
  /** Lower-case names; headers that came as signed query parameters are among them. */
  readonly headers: HeaderLookup;
  readonly authentication: Authentication;
  readonly identity: Identity;
  readonly #parts: RequestParts;
  #gatheredBytes = 0;

  constructor(parts: RequestParts) {
    this.id = parts.id;
    this.message = parts.message;
    this.response = parts.response;
    this.plane = parts.plane;
    this.spec = parts.spec;
    this.query = parts.query;
    this.headers = parts.headers;
    this.authentication = parts.authentication;
    this.identity = parts.identity;
    this.#parts = parts;
  }

  /** True while the client waits for `100 Continue` before it sends the body. */
  get awaitsContinue(): boolean {
    return this.#parts.awaitsContinue;
  }

  /** Over TLS. */
  get secure(): boolean {
    // Plain sockets have the property too on Bun.
    return Reflect.get(this.message.socket, "encrypted") === true;
  }

  /**
   * Counts bytes of the body that are gathered in memory until the request ends.
   * @throws S3Error SlowDown when the worker holds too much already
   */
  gather(bytes: number): void {
    this.plane.bodyBudget.take(bytes);
    this.#gatheredBytes += bytes;
  }

  /** Gives back what `gather` counted; once, when the request has ended. */
  forgetGathered(): void {
    this.plane.bodyBudget.give(this.#gatheredBytes);
    this.#gatheredBytes = 0;
  }

  header(name: string): string | undefined {
    return readHeader(this.headers, name);
  }

  /** The bucket of the URL. @throws S3Error NoSuchBucket */
  get bucket(): BucketEntry {
    const { bucketEntry, bucketName } = this.#parts;
    if (!bucketEntry) throw new S3Error("NoSuchBucket", { fields: { BucketName: bucketName ?? "" } });
    return bucketEntry;
  }

  /** The bucket's name as the URL has it. */
  get bucketName(): string {
    return this.#parts.bucketName ?? "";
  }

  /** The key of the URL; only operations at key level may ask. */
  get key(): ObjectKey {
    const { objectKey } = this.#parts;
    if (objectKey === undefined) throw new S3Error("InvalidRequest");
    return objectKey;
  }

  /** Resource of the URL as error documents name it. */
  get resource(): string {
    const { bucketName, objectKey } = this.#parts;
    if (bucketName === undefined) return "/";
    return objectKey === undefined ? `/${bucketName}` : `/${bucketName}/${objectKey}`;
  }

  get versionId(): string | undefined {
    return this.query.get("versionId");
  }

  /** The caller's key entry. @throws S3Error AccessDenied for anonymous callers */
  get caller(): KeyEntry {
    if (this.identity.kind === "anonymous") throw new S3Error("AccessDenied");
    return this.identity.key;
  }

  /** ARN of the caller, for commit records. */
  get principal(): string {
    if (this.identity.kind === "anonymous") return "anonymous";
    return `arn:aws:iam::${this.identity.key.accountId}:user/${this.identity.key.userName}`;
  }

  /** Whether the caller may do `action` on an ARN of `bucket`. */
  allows(action: string, resource: string, bucket: BucketEntry): boolean {
    return authorize(this.identity, { action, resource, bucket });
  }

  /** @throws S3Error AccessDenied */
  require(action: string, resource: string, bucket: BucketEntry): void {
    if (!this.allows(action, resource, bucket)) throw new S3Error("AccessDenied");
  }
}

/** ARN of a bucket. */
export function bucketArn(bucket: string): string {
  return `arn:aws:s3:::${bucket}`;
}

/** ARN of an object. */
export function objectArn(bucket: string, key: string): string {
  return `arn:aws:s3:::${bucket}/${key}`;
}
