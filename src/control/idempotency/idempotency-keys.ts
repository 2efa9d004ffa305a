import { createHash } from "node:crypto";
import type { Clock } from "#kernel/base/clock.ts";
import type { ControlDatabase } from "../database/control-database.ts";
import { readInteger, readText } from "../database/row-values.ts";
import type { Sealer } from "../encryption/seal.ts";
import type { Caller } from "../http/caller.ts";
import { ControlError, TooManyRequestsError } from "../http/control-error.ts";
import { type AllowedAction, getRequestContext } from "../http/request-context.ts";
import type { AskedResource } from "../iam/caller-request.ts";
import type { Log } from "../observe/log.ts";
import type { SnapshotPublisher } from "../snapshot/publisher.ts";

/** What the keys stand on. */
export interface IdempotencyKeysOptions {
  readonly database: ControlDatabase;
  readonly sealer: Pick<Sealer, "seal" | "open">;
  readonly clock: Clock;
  readonly log: Pick<Log, "error">;
  readonly publisher: Pick<SnapshotPublisher, "entries">;
}

/** A call with a key, as the router understood it. */
export interface KeyedCall {
  readonly request: Request;
  /** Of the route: calls that only read are safe to repeat without a key, which is ignored. */
  readonly action: string;
  readonly caller: Caller;
  /** The parsed body; undefined for none. */
  readonly body: unknown;
  /** Asks the policies. @throws ControlError Forbidden */
  readonly requireAllowed: (request: Request, action: string, asked: AskedResource) => void;
}

/** What is sealed in a row. */
interface Remembered {
  /** SHA-256 of path, query and body. */
  readonly call: string;
  readonly answer?: {
    readonly status: number;
    readonly headers: readonly (readonly [name: string, value: string])[];
    readonly body: string;
    /** What policies had to allow for it. */
    readonly allowed: readonly AllowedAction[];
    readonly standing: Standing;
  };
}

/** What bounds a caller beside the policies. */
interface Standing {
  readonly global: boolean;
  readonly boundaryPolicyId: string | null;
}

interface Begun {
  readonly userId: string;
  readonly standing: Standing;
  readonly principal: string;
  readonly key: string;
  readonly call: string;
}

/** An answer is kept this long, ms. */
export const idempotencyLifeMs = 86_400_000;
/** Keys of one user within that time. */
export const maxIdempotencyKeys = 1_000;
/** Characters of a key. */
export const maxIdempotencyKeyLength = 255;
/** A longer answer is not kept: its key answers 409. UTF-16 units. */
export const maxKeptAnswerLength = 262_144;

/** Steps of a session (`-`) belong to it alone. */
const needsNoKey = /^-$|:(Get|List|Simulate|Read)/;
const keyPattern = /^[\x21-\x7e]+$/;
const keptHeaders = ["content-type", "location", "etag"];
const tryLaterSeconds = 3_600;

/** Of a user, whatever credential he called with. */
const countRows =
  "SELECT COUNT(*) AS count FROM idempotency_keys WHERE principal > $1 AND principal < $2 AND created_at_ms > $3";

/**
 * Makes POST calls safe to repeat: the first call with an `Idempotency-Key` is done, every later one of the same caller with the same
 * path and body gets its answer again, for 24 hours, if policies still allow what was asked of them then. Answers are sealed, for some hold a secret. A call refused with a 4xx, or with
 * 503, has done nothing and is forgotten. Source: draft-ietf-httpapi-idempotency-key-header.
 */
export class IdempotencyKeys {
  readonly #options: IdempotencyKeysOptions;
  readonly #begun = new WeakMap<Request, Begun>();

  constructor(options: IdempotencyKeysOptions) {
    this.#options = options;
  }

  /**
   * Call it before the work. @returns the answer to give instead of doing it; undefined when it is to be done
   * @throws ControlError InvalidRequest for a bad key, IdempotencyKeyReused for another call under the same key, Conflict while the
   * first call runs or when nobody knows how it ended, Forbidden when the caller has lost the right since.
   * @throws TooManyRequestsError when the caller has used too many.
   */
  async begin({ request, action, caller, body, requireAllowed }: KeyedCall): Promise<Response | undefined> {
    const key = request.headers.get("idempotency-key");
    if (key === null || request.method !== "POST" || needsNoKey.test(action)) return undefined;
    if (key.length > maxIdempotencyKeyLength || !keyPattern.test(key)) throw new ControlError("InvalidRequest", badKey);
    const { pathname, search } = new URL(request.url);
    const call = createHash("sha256")
      .update(`${pathname}${search}\n${JSON.stringify(body ?? null)}`)
      .digest("hex");
    const { userId } = caller;
    const begun = { userId, principal: principalOf(caller), key, call, standing: this.#standingOf(caller) };
    const found = await this.#claim(begun);
    if (found === undefined) {
      this.#begun.set(request, begun);
      return undefined;
    }
    if (found.call !== call) throw new ControlError("IdempotencyKeyReused");
    if (found.answer === undefined) throw new ControlError("Conflict", unknownEnd);
    const { status, headers, body: text, allowed, standing } = found.answer;
    for (const each of allowed) requireAllowed(request, each.action, each.asked);
    this.#requireStanding(caller, standing);
    const replayed: [string, string][] = [...headers.map(([name, value]): [string, string] => [name, value])];
    return new Response(text, { status, headers: [...replayed, ["idempotency-replayed", "true"]] });
  }

  /** Call it with every answer before it is sent: that of a call that began is kept. @returns the answer to send */
  async settle(request: Request, response: Response): Promise<Response> {
    const begun = this.#begun.get(request);
    if (begun === undefined) return response;
    this.#begun.delete(request);
    const { principal, key, call, standing } = begun;
    if (response.status >= 400) {
      const hasDoneNothing = response.status < 500 || response.status === 503;
      if (hasDoneNothing) await this.#forget(principal, key);
      return response;
    }
    const body = await response.text();
    const headers = keptHeaders.flatMap((name) => {
      const value = response.headers.get(name);
      return value === null ? [] : [[name, value] as const];
    });
    const { status } = response;
    const { allowed } = getRequestContext(request);
    if (body.length <= maxKeptAnswerLength) {
      const sealed = this.#seal(begun, { call, answer: { status, headers, body, allowed, standing } });
      const keep =
        "UPDATE idempotency_keys SET sealed = $1, is_answered = 1 WHERE principal = $2 AND idempotency_key = $3";
      // What was done is done: that it cannot be repeated is no reason to keep the answer from the caller.
      await this.#options.database.run(keep, [sealed, principal, key]).catch((error: unknown) => {
        this.#options.log.error("An idempotent answer could not be kept", { reason: String(error) });
      });
    }
    return new Response(body === "" ? null : body, { status, headers: response.headers });
  }

  /** Removes what is older than a day. */
  async runUpkeep(): Promise<void> {
    const oldest = this.#options.clock.nowMs() - idempotencyLifeMs;
    await this.#options.database.run("DELETE FROM idempotency_keys WHERE created_at_ms <= $1", [oldest]);
  }

  #standingOf({ userId, global }: Caller): Standing {
    const boundaryPolicyId = this.#options.publisher.entries("user").get(userId)?.boundaryPolicyId ?? null;
    return { global, boundaryPolicyId };
  }

  /** @throws ControlError Forbidden when the caller reaches less than when the answer was made */
  #requireStanding(caller: Caller, then: Standing): void {
    const now = this.#standingOf(caller);
    const hasOtherBoundary = now.boundaryPolicyId !== null && now.boundaryPolicyId !== then.boundaryPolicyId;
    if ((then.global && !now.global) || hasOtherBoundary) throw new ControlError("Forbidden", lessReach);
  }

  /** Takes the key for a call. @returns what is remembered under it when it is taken already */
  async #claim(begun: Begun): Promise<Remembered | undefined> {
    const { database, clock } = this.#options;
    const { principal, key, call } = begun;
    const nowMs = clock.nowMs();
    const oldest = nowMs - idempotencyLifeMs;
    return database.transaction(async (queries) => {
      const drop = "DELETE FROM idempotency_keys WHERE principal = $1 AND idempotency_key = $2 AND created_at_ms <= $3";
      await queries.run(drop, [principal, key, oldest]);
      const find = "SELECT sealed FROM idempotency_keys WHERE principal = $1 AND idempotency_key = $2";
      const [row] = await queries.all(find, [principal, key]);
      if (row !== undefined) return this.#open(begun, readText(row, "sealed"));
      // The first that sorts behind the blank is the exclamation mark.
      const [counted] = await queries.all(countRows, [`${begun.userId} `, `${begun.userId}!`, oldest]);
      if (counted !== undefined && readInteger(counted, "count") >= maxIdempotencyKeys) {
        throw new TooManyRequestsError(tryLaterSeconds, tooMany);
      }
      const take =
        "INSERT INTO idempotency_keys (principal, idempotency_key, sealed, is_answered, created_at_ms) VALUES ($1, $2, $3, 0, $4)";
      await queries.run(take, [principal, key, this.#seal(begun, { call }), nowMs]);
      return undefined;
    });
  }

  async #forget(principal: string, key: string): Promise<void> {
    const forget = "DELETE FROM idempotency_keys WHERE principal = $1 AND idempotency_key = $2 AND is_answered = 0";
    await this.#options.database.run(forget, [principal, key]);
  }

  #seal(begun: Begun, value: Remembered): string {
    return this.#options.sealer.seal(new TextEncoder().encode(JSON.stringify(value)), placeOf(begun));
  }

  #open(begun: Begun, sealed: string): Remembered {
    return JSON.parse(new TextDecoder().decode(this.#options.sealer.open(sealed, placeOf(begun))));
  }
}

const badKey = `Idempotency-Key must be 1 to ${maxIdempotencyKeyLength} visible ASCII characters`;
const tooMany = `At most ${maxIdempotencyKeys} values of Idempotency-Key are kept for a user in 24 hours`;
const lessReach = "You reach less now than when the first request with this Idempotency-Key was made";
const unknownEnd =
  "The first request with this Idempotency-Key runs, or nobody knows how it ended: look whether it took effect before you send it with another key";

/** A token or an access key sees only its own answers: it may be narrower than its user. */
function principalOf({ userId, via, tokenId, accessKeyId }: Caller): string {
  return [userId, via, tokenId ?? accessKeyId ?? ""].join(" ");
}

function placeOf({ principal, key }: Begun): { table: string; row: string; column: string } {
  return { table: "idempotency_keys", row: `${principal} ${key}`, column: "sealed" };
}
