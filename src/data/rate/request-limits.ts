import type { Socket } from "node:net";
import type { KeyLimits } from "#kernel/protocol/identities.ts";
import type { BucketEntry } from "#kernel/protocol/snapshot.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import type { Identity, SignedIdentity } from "../authorize.ts";
import type { SnapshotStore } from "../snapshot-store.ts";
import type { RateTable } from "./rate-table.ts";

/** A tenant or key with bounds of its own. */
interface Limited {
  readonly id: string;
  readonly limits: KeyLimits;
}

/** Whose request it is. */
export interface LimitedCaller {
  readonly identity: Identity;
  /** Who pays for anonymous callers: the bucket's tenant. */
  readonly bucket: BucketEntry | undefined;
}

/** What moves through a request is counted against these rates. */
export type ByteRates = readonly { readonly id: string; readonly perSecond: number }[];

const unlimited: ByteRates = [];
/** A wait is slept in naps, so that who goes away is noticed, milliseconds. */
const napMs = 1_000;

/**
 * Keeps the bounds of tenants and keys: requests and connections beyond them are refused, bytes are slowed down. What a
 * caller without bounds pays is a look at his entries.
 */
export class RequestLimits {
  readonly #rates: RateTable;
  readonly #snapshot: Pick<SnapshotStore, "findTenant" | "findKeyLimits">;
  /** Whose bounds an open connection is counted in. */
  readonly #connections = new WeakMap<Socket, Set<string>>();

  constructor(rates: RateTable, snapshot: Pick<SnapshotStore, "findTenant" | "findKeyLimits">) {
    this.#rates = rates;
    this.#snapshot = snapshot;
  }

  /** Counts a request whose caller is known. @throws S3Error SlowDown with Retry-After */
  admit(caller: LimitedCaller, socket: Socket): void {
    const [key, tenant] = this.#findLimits(caller);
    if (key === undefined && tenant === undefined) return;
    for (const each of [key, tenant]) if (each) this.#countConnection(each, socket);
    for (const each of [key, tenant]) if (each) this.#countRequest(each);
  }

  /** The rates that a caller's bytes are counted against; none for most. */
  findByteRates(caller: LimitedCaller): ByteRates {
    const [key, tenant] = this.#findLimits(caller);
    if (key === undefined && tenant === undefined) return unlimited;
    return [key, tenant].flatMap((each) => {
      const perSecond = each?.limits.bytesPerSecond;
      return each && typeof perSecond === "number" ? [{ id: each.id, perSecond }] : [];
    });
  }

  /**
   * Counts bytes that were or will be moved.
   * @returns undefined when they keep the rates, else a promise to be awaited before more are moved
   */
  pace(rates: ByteRates, bytes: number, isGone: () => boolean): Promise<void> | undefined {
    let waitMs = 0;
    for (const { id, perSecond } of rates)
      waitMs = Math.max(waitMs, this.#rates.charge(id, "bytes", { amount: bytes, perSecond }));
    return waitMs > 0 ? sleep(waitMs, isGone) : undefined;
  }

  #findLimits({ identity, bucket }: LimitedCaller): readonly [key: Limited | undefined, tenant: Limited | undefined] {
    if (identity.kind !== "anonymous") {
      const { tenant } = identity;
      return [this.#findKeyLimits(identity), limitedOf(tenant.tenantId, tenant.limits)];
    }
    const tenant = bucket && this.#snapshot.findTenant(bucket.tenantId);
    return [undefined, tenant && limitedOf(tenant.tenantId, tenant.limits)];
  }

  /** A session has the bounds of the key that it came from, and counts with it. */
  #findKeyLimits(identity: SignedIdentity): Limited | undefined {
    if (identity.kind === "user") return limitedOf(identity.key.accessKeyId, identity.key.limits);
    const { keyId } = identity.session;
    const limits = keyId === undefined ? undefined : this.#snapshot.findKeyLimits(keyId);
    return keyId !== undefined && limits ? limitedOf(keyId, limits) : undefined;
  }

  #countRequest({ id, limits: { requestsPerSecond, bytesPerSecond } }: Limited): void {
    if (bytesPerSecond === 0) throw slowDown(napMs);
    if (typeof requestsPerSecond !== "number") return;
    const waitMs = this.#rates.take(id, "requests", requestsPerSecond);
    if (waitMs > 0) throw slowDown(waitMs);
  }

  /** A connection counts from the first request that somebody signs on it, until it is closed. */
  #countConnection({ id, limits: { maxConnections } }: Limited, socket: Socket): void {
    if (typeof maxConnections !== "number") return;
    const counted = this.#connections.get(socket) ?? new Set();
    if (counted.has(id)) return;
    const release = this.#rates.connect(id, maxConnections);
    if (!release) throw slowDown(napMs, { Connection: "close" });
    counted.add(id);
    this.#connections.set(socket, counted);
    // The end of a destroyed one may have been told before anybody listened.
    if (socket.destroyed) release();
    else socket.once("close", release);
  }
}

function limitedOf(id: string, limits: KeyLimits): Limited | undefined {
  const { requestsPerSecond, maxConnections, bytesPerSecond } = limits;
  if (typeof requestsPerSecond === "number" || typeof maxConnections === "number" || typeof bytesPerSecond === "number")
    return { id, limits };
  return undefined;
}

function slowDown(waitMs: number, headers: Readonly<Record<string, string>> = {}): S3Error {
  return new S3Error("SlowDown", { headers: { "Retry-After": String(Math.ceil(waitMs / 1_000)), ...headers } });
}

async function sleep(waitMs: number, isGone: () => boolean): Promise<void> {
  for (let leftMs = waitMs; leftMs > 0 && !isGone(); leftMs -= napMs) await Bun.sleep(Math.min(leftMs, napMs));
}
