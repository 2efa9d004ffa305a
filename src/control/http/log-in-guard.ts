import type { Clock } from "#kernel/base/clock.ts";
import { clientNetwork } from "#kernel/policy/client-network.ts";
import type { StoredKeyUses } from "../access-keys/stored-key-uses.ts";
import type { Log } from "../observe/log.ts";
import type { SnapshotPublisher } from "../snapshot/publisher.ts";
import { AttemptLimiter, type AttemptLimits } from "./attempt-limiter.ts";
import {
  type BasicCredentials,
  findAdministrator,
  type KeyHolder,
  readBasicCredentials,
} from "./basic-authentication.ts";
import { ControlError, TooManyRequestsError } from "./control-error.ts";
import type { LogInCounts } from "./log-in-counts.ts";
import { getRequestContext } from "./request-context.ts";

/** What the guard stands on. */
export interface LogInGuardOptions {
  /** Keys and their holders. */
  readonly entries: Pick<SnapshotPublisher, "entries">;
  readonly clock: Clock;
  readonly log: Log;
  /** Told of each key that lets somebody in. */
  readonly keyUses: Pick<StoredKeyUses, "note">;
}

const shared = { firstDelayMs: 1000, forgetAfterMs: 15 * 60_000, maxNames: 10_000 };
/** Many people may be behind one address. */
const addressLimits: AttemptLimits = { ...shared, freeFailures: 20, maxDelayMs: 60_000 };
/** Short, because anybody can make a user wait by failing in the user's name. */
const userLimits: AttemptLimits = { ...shared, freeFailures: 5, maxDelayMs: 30_000 };
/** Where a log-in failed. */
interface FailurePlace {
  readonly address: string;
  /** Of user and address. */
  readonly pair: string;
  readonly requestId: string;
}

/** Pairs of user and address that logged in before. */
const maxKnownPairs = 1000;

/**
 * Lets administrators in and slows down guessing, per address and per user. Who logged in from an address before waits neither for
 * failures in the same name elsewhere nor for those of others at the address, which may be a proxy's; a success forgets the user's own
 * failures there alone. Requests without credentials are no attempts.
 */
export class LogInGuard {
  readonly #options: LogInGuardOptions;
  readonly #addresses: AttemptLimiter;
  readonly #users: AttemptLimiter;
  /** Failures of one user at one address: what a success there forgets. */
  readonly #pairs: AttemptLimiter;
  /** In the order of their last success. */
  readonly #knownPairs = new Set<string>();
  readonly #counts = { succeeded: 0, refused: 0, delayed: 0 };

  constructor(options: LogInGuardOptions) {
    this.#options = options;
    this.#addresses = new AttemptLimiter(addressLimits, options.clock);
    this.#pairs = new AttemptLimiter(addressLimits, options.clock);
    this.#users = new AttemptLimiter(userLimits, options.clock);
  }

  get counts(): LogInCounts {
    return { ...this.#counts };
  }

  /**
   * The administrator whose credentials a request carries.
   * @throws ControlError Unauthorized for none or wrong ones.
   * @throws TooManyRequestsError while address or user have to wait, whatever the credentials are.
   */
  authenticate(request: Request): KeyHolder {
    const given = readBasicCredentials(request);
    if (given === undefined) throw new ControlError("Unauthorized");
    const address = clientNetwork(getRequestContext(request).clientAddress);
    const pair = JSON.stringify([given.accessKeyId, address]);
    const waitMs = this.#knownPairs.has(pair)
      ? this.#pairs.waitMs(pair)
      : Math.max(this.#addresses.waitMs(address), this.#users.waitMs(given.accessKeyId));
    if (waitMs > 0) {
      this.#counts.delayed += 1;
      throw new TooManyRequestsError(Math.ceil(waitMs / 1000));
    }
    const entry = findAdministrator(given, this.#options.entries, this.#options.clock.nowMs());
    if (entry === undefined) {
      this.#noteFailure(given, { address, pair, requestId: getRequestContext(request).requestId });
      throw new ControlError("Unauthorized");
    }
    this.#noteSuccess(given, address, pair);
    return entry;
  }

  /** The administrator of a request that was let in, if its credentials are still good. No attempt: nothing is counted. */
  find(request: Request): KeyHolder | undefined {
    const given = readBasicCredentials(request);
    const { entries, clock } = this.#options;
    return given && findAdministrator(given, entries, clock.nowMs());
  }

  #noteFailure({ accessKeyId }: BasicCredentials, { address, pair, requestId }: FailurePlace): void {
    const { entries, log } = this.#options;
    this.#counts.refused += 1;
    this.#pairs.fail(pair);
    const delayMs = Math.max(this.#addresses.fail(address), this.#users.fail(accessKeyId));
    // What is no access key may be a secret that was typed into the wrong field.
    const shown = entries.entries("key").has(accessKeyId) ? accessKeyId : "unknown";
    const fields = { requestId, address, accessKeyId: shown, waitSeconds: delayMs / 1000 };
    log.warn("A log-in at the console port was refused", fields);
  }

  #noteSuccess({ accessKeyId }: BasicCredentials, address: string, pair: string): void {
    const { keyUses, clock } = this.#options;
    this.#counts.succeeded += 1;
    keyUses.note([{ accessKeyId, operation: "maxiofs:ControlApi", usedAtMs: clock.nowMs() }]);
    this.#addresses.forgive(address, this.#pairs.count(pair));
    this.#pairs.succeed(pair);
    this.#users.succeed(accessKeyId);
    this.#knownPairs.delete(pair);
    this.#knownPairs.add(pair);
    const [oldest] = this.#knownPairs;
    if (this.#knownPairs.size > maxKnownPairs && oldest !== undefined) this.#knownPairs.delete(oldest);
  }
}
