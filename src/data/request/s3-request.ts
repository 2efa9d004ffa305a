import type { IncomingMessage, ServerResponse } from "node:http";
import { findClientAddress } from "#kernel/policy/client-address.ts";
import type { Decision } from "#kernel/policy/evaluate-access.ts";
import type { AccessedResource } from "#kernel/policy/evaluate-statement.ts";
import type { Mutation, MutationSuccess } from "#kernel/protocol/mutation.ts";
import type { BucketEntry } from "#kernel/protocol/snapshot.ts";
import { type HeaderLookup, readHeader } from "#kernel/s3/header-lookup.ts";
import type { ObjectKey } from "#kernel/s3/object-key.ts";
import type { OperationSpec } from "#kernel/s3/operation.ts";
import type { QueryParameters } from "#kernel/s3/query-parameters.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import type { Authentication } from "#kernel/sigv4/authentication.ts";
import { authorize, bucketResource, type Identity, type SignedIdentity, wholeService } from "../authorize.ts";
import type { DataPlane } from "../data-plane.ts";
import { findQuota } from "../quota/mutation-quota.ts";
import type { ByteRates } from "../rate/request-limits.ts";
import { accessDenied, type Refusal } from "./access-denied.ts";
import { type AskedObject, RequestValues } from "./request-values.ts";

/** A request as the engine gives it, on which the listener sees the bytes of memory that it holds. */
export type GatheringMessage = IncomingMessage & { gatheredBytes?: number; isPaced?: boolean };

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
  readonly #parts: RequestParts;
  /** What policies may ask about the object of the URL, once it was looked up for them. */
  askedObject: AskedObject | undefined;
  #identity: Identity;
  #facts: Map<string, string | readonly string[]> | undefined;
  #isRevoked = false;
  #byteRates: ByteRates | undefined;
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
    this.#identity = parts.identity;
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
    const waiting = this.plane.bodyBudget.take(bytes, this.holder);
    if (waiting !== undefined) return waiting.then(() => this.#count(bytes));
    this.#count(bytes);
    return undefined;
  }

  /** Gives back what `gather` counted when the request was handled, but for what its client has not taken of the answer yet. */
  endGathering(): void {
    const { response, plane } = this;
    this.#hasEnded = true;
    const unsentBytes = response.destroyed ? 0 : response.writableLength;
    plane.bodyBudget.give(this.#gatheredBytes - unsentBytes, this.holder);
    this.#setGathered(unsentBytes);
    if (unsentBytes > 0) response.once("close", () => this.#forget());
  }

  /** @throws S3Error SlowDown when the worker could not hold so many bytes more at once */
  requireRoom(bytes: number): void {
    this.plane.bodyBudget.requireRoom(bytes, this.holder);
  }

  /** Whose share of what all use the request takes: his tenant's. Nobody's have one together. */
  get holder(): string {
    return this.#identity.kind === "anonymous" ? "" : this.#identity.tenant.tenantId;
  }

  #count(bytes: number): void {
    this.#setGathered(this.#gatheredBytes + bytes);
    if (!this.#hasEnded) return;
    // It was waiting for room when its client went away.
    this.#forget();
    throw new S3Error("IncompleteBody");
  }

  #forget(): void {
    this.plane.bodyBudget.give(this.#gatheredBytes, this.holder);
    this.#setGathered(0);
  }

  #setGathered(bytes: number): void {
    this.#gatheredBytes = bytes;
    this.message.gatheredBytes = bytes;
  }

  /**
   * Counts bytes that the client sends or gets.
   * @returns undefined, or a promise to be awaited before more are moved: the caller, or his tenant, has a rate
   */
  pace(bytes: number): Promise<void> | undefined {
    const { limits } = this.plane;
    this.#byteRates ??= limits.findByteRates({ identity: this.#identity, bucket: this.#parts.bucketEntry });
    if (this.#byteRates.length === 0) return undefined;
    const waiting = limits.pace(this.#byteRates, bytes, () => this.response.destroyed);
    if (waiting === undefined) return undefined;
    this.message.isPaced = true;
    return waiting.finally(() => {
      this.message.isPaced = false;
    });
  }

  header(name: string): string | undefined {
    return readHeader(this.headers, name);
  }

  /** The bucket of the URL as it was when the request began; undefined when there was none. */
  get foundBucket(): BucketEntry | undefined {
    return this.#parts.bucketEntry;
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

  /** Who asks, with the policies as they are now. */
  get identity(): Identity {
    return this.#identity;
  }

  /** The holder of the credential that signed. @throws S3Error AccessDenied for anonymous callers */
  get signer(): SignedIdentity {
    if (this.#identity.kind === "anonymous") throw new S3Error("AccessDenied");
    return this.#identity;
  }

  /** ARN of the caller, for commit records. */
  get principal(): string {
    return this.#identity.kind === "anonymous" ? "anonymous" : this.#identity.arn;
  }

  /** Address of the client: the peer, or whom trusted proxies name. IPv4 in its own form on dual-stack sockets too. */
  get address(): string {
    return clientAddress(this.message, this.plane.snapshot.settings["server.trusted_proxies"]);
  }

  /**
   * Values of condition keys found out on the way, which the body says. Whoever adds one asks again whether the request is allowed.
   */
  get facts(): Map<string, string | readonly string[]> {
    this.#facts ??= new Map();
    return this.#facts;
  }

  /** Whether the caller may do `action` on a bucket, or on an object in it. */
  allows(action: string, bucket: BucketEntry, key?: string): boolean {
    return this.#decide(action, bucketResource(bucket, key), { bucket }).outcome === "allow";
  }

  /** @throws S3Error AccessDenied */
  require(action: string, bucket: BucketEntry, key?: string): void {
    const refusal = this.findRefusal(action, bucket, key);
    if (refusal !== undefined) throw refusal;
  }

  /** As `require`, for an object that the URL does not name. @throws S3Error AccessDenied */
  requireFor(object: AskedObject, { action, bucket, key }: Required<Refused>): void {
    const resource = bucketResource(bucket, key);
    const decision = this.#decide(action, resource, { bucket, object });
    if (decision.outcome !== "allow") throw this.#refuse({ action, resource, decision }, { bucket, object });
  }

  /** As `require`, but the error is returned: for those who answer something else. Either way the refusal can be explained later. */
  findRefusal(action: string, bucket: BucketEntry, key?: string): S3Error | undefined {
    const resource = bucketResource(bucket, key);
    const decision = this.#decide(action, resource, { bucket });
    return decision.outcome === "allow" ? undefined : this.#refuse({ action, resource, decision }, { bucket });
  }

  /** For actions on S3 as a whole, and on the bucket that the caller wants to make. @throws S3Error AccessDenied */
  requireService(action: string, newBucket?: string): void {
    const accountId = this.#identity.kind === "anonymous" ? "" : this.#identity.tenant.accountId;
    const resource = newBucket === undefined ? wholeService : bucketResource({ name: newBucket, accountId });
    const decision = this.#decide(action, resource, {});
    if (decision.outcome !== "allow") throw this.#refuse({ action, resource, decision }, {});
  }

  /** A refusal that policies have no part in: it can be explained later, and the client is told nothing more. @param reason a sentence */
  refuseFor(
    reason: string,
    { action = this.#mainAction(), bucket = this.bucket, key = this.#parts.objectKey }: Refused = {},
  ): S3Error {
    const resource = bucketResource(bucket, key);
    this.#refuse({ action, resource, decision: this.#decide(action, resource, { bucket }) }, { bucket }, reason);
    return new S3Error("AccessDenied");
  }

  #mainAction(): string {
    return this.spec.actions[0]?.action ?? `s3:${this.spec.name}`;
  }

  /** The caller's records or policies changed while the request runs. */
  renewIdentity(identity: Identity): void {
    this.#identity = identity;
    this.#byteRates = undefined;
  }

  /** Ends a request whose caller may not make it any more: nothing it sent is stored, nothing more of an answer goes out. */
  revoke(): void {
    this.#isRevoked = true;
    // Bun answers 200 for a response that is destroyed before its head is written.
    this.message.socket.destroy();
  }

  /** Hands a change, with an inline body, to the catalog writer, unless the right to make it is gone. @throws S3Error AccessDenied, and as the writer */
  commit(mutation: Mutation, body?: Uint8Array): Promise<MutationSuccess> {
    if (this.#isRevoked || this.#hasExpired()) throw new S3Error("AccessDenied");
    return this.plane.writer.commit(this.#bound(mutation), body);
  }

  /** The mutation with the bounds that the writer is to keep. */
  #bound(mutation: Mutation): Mutation {
    if (mutation.kind !== "put" && mutation.kind !== "putPart" && mutation.kind !== "completeUpload") return mutation;
    const quota = findQuota(this.plane.snapshot, this.bucket);
    return quota ? { ...mutation, quota } : mutation;
  }

  /** Credentials expire without anybody saying so. */
  #hasExpired(): boolean {
    if (this.#identity.kind === "anonymous") return false;
    const { expiresAtMs } = this.#identity.kind === "user" ? this.#identity.key : this.#identity.session;
    return expiresAtMs !== null && this.plane.clock.nowMs() >= expiresAtMs;
  }

  #refuse(refusal: Omit<Refusal, "identity">, { bucket, object }: Asked, reason?: string): S3Error {
    const { id: requestId, plane } = this;
    const identity = this.#identity;
    plane.diagnostics.noteDenial({
      ...{ requestId, identity, action: refusal.action, resource: refusal.resource },
      timeMs: plane.clock.nowMs(),
      operation: this.spec.name,
      reason: reason ?? (refusal.decision === ofSuspendedTenant ? "The tenant of the bucket is suspended" : null),
      ownerTenantId: bucket?.tenantId ?? null,
      values: new RequestValues(this, bucket, object),
      ...{ bucket, address: this.address, agent: this.header("user-agent") ?? "" },
    });
    return accessDenied({ ...refusal, identity });
  }

  #decide(action: string, resource: AccessedResource, { bucket, object }: Asked): Decision {
    if (bucket !== undefined && !this.plane.snapshot.isTenantActive(bucket.tenantId)) return ofSuspendedTenant;
    return authorize(this.#identity, { action, resource, values: new RequestValues(this, bucket, object) });
  }
}

/** What a question to the policies is about, beside action and resource. */
interface Asked {
  readonly bucket?: BucketEntry | undefined;
  readonly object?: AskedObject;
}

/** What was refused; the bucket or object of the request when absent. */
export interface Refused {
  readonly action?: string;
  readonly bucket?: BucketEntry;
  readonly key?: string | undefined;
}

/** Buckets of a suspended tenant are closed to everybody. */
const ofSuspendedTenant: Decision = { outcome: "implicitDeny", layer: "bucketPolicy", by: undefined };

/** Address of the client: the peer, or whom trusted proxies name. IPv4 in its own form on dual-stack sockets too. */
export function clientAddress(
  { socket, headers }: Pick<IncomingMessage, "socket" | "headers">,
  trustedProxies: readonly string[],
): string {
  const peer = (socket.remoteAddress ?? "").replace(/^::ffff:(?=\d+\.)/, "");
  // Of the message itself: a request's `headers` have signed query parameters among them, which the client chooses.
  const forwarded = headers["x-forwarded-for"];
  const text = Array.isArray(forwarded) ? forwarded.join() : (forwarded ?? null);
  return findClientAddress(peer, text, trustedProxies);
}

/** ARN of a bucket. */
export function bucketArn(bucket: string): string {
  return `arn:aws:s3:::${bucket}`;
}
