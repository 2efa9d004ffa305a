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

/** A request as the engine gives it, on which the listener sees the bytes of memory that it holds. */
export type GatheringMessage = IncomingMessage & { gatheredBytes?: number };

/** The parts of a request that are known once it is authenticated. */
export interface RequestParts {
  readonly id: string;
  readonly message: GatheringMessage;
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
  readonly message: GatheringMessage;
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
  #hasEnded = false;

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
   * Counts bytes that this request holds in memory until it is answered. To be asked before they are allocated.
   * @returns undefined, or a promise when the worker has no room yet
   * @throws S3Error SlowDown when there is none in time, IncompleteBody when the request ended meanwhile; also as rejection
   */
  gather(bytes: number): Promise<void> | undefined {
    const waiting = this.plane.bodyBudget.take(bytes);
    if (waiting !== undefined) return waiting.then(() => this.#count(bytes));
    this.#count(bytes);
    return undefined;
  }

  /** Gives back what `gather` counted when the request was handled, but for what its client has not taken of the answer yet. */
  endGathering(): void {
    const { response, plane } = this;
    this.#hasEnded = true;
    const unsentBytes = response.destroyed ? 0 : response.writableLength;
    plane.bodyBudget.give(this.#gatheredBytes - unsentBytes);
    this.#setGathered(unsentBytes);
    if (unsentBytes > 0) response.once("close", () => this.#forget());
  }

  #count(bytes: number): void {
    this.#setGathered(this.#gatheredBytes + bytes);
    if (!this.#hasEnded) return;
    // It was waiting for room when its client went away.
    this.#forget();
    throw new S3Error("IncompleteBody");
  }

  #forget(): void {
    this.plane.bodyBudget.give(this.#gatheredBytes);
    this.#setGathered(0);
  }

  #setGathered(bytes: number): void {
    this.#gatheredBytes = bytes;
    this.message.gatheredBytes = bytes;
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
