import type { Clock } from "#kernel/base/clock.ts";
import type { KeyUse } from "#kernel/protocol/key-use.ts";
import type { Identity } from "../authorize.ts";

/** Uses wait for others at most this long before they are told, ms. */
const gatherMs = 1000;
/** Keys of one message. */
export const maxUsesPerMessage = 1000;
/** Keys that wait to be told of; a further one is told of when it is used again. */
export const maxWaitingUses = 10_000;

/** What noting uses needs. */
export interface KeyUsesOptions {
  readonly clock: Pick<Clock, "nowMs">;
  readonly send: (uses: readonly KeyUse[]) => void;
  /** Calls back once after so many ms. */
  readonly after: (ms: number, call: () => void) => void;
}

/** Which stored access keys this worker's requests used last for what: gathered, so that a request pays for a look into a map. */
export class KeyUses {
  readonly #options: KeyUsesOptions;
  readonly #uses = new Map<string, { service: string; operation: string; usedAtMs: number }>();
  #isScheduled = false;

  constructor(options: KeyUsesOptions) {
    this.#options = options;
  }

  /** A request of a verified signature was let in. Temporary credentials are no stored keys: they have rows of their own. */
  note(identity: Identity, service: "s3" | "sts", operation: string): void {
    if (identity.kind !== "user") return;
    const usedAtMs = this.#options.clock.nowMs();
    const { accessKeyId } = identity.key;
    const known = this.#uses.get(accessKeyId);
    if (known !== undefined) {
      known.service = service;
      known.operation = operation;
      known.usedAtMs = usedAtMs;
    } else if (this.#uses.size < maxWaitingUses) {
      this.#uses.set(accessKeyId, { service, operation, usedAtMs });
      this.#schedule();
    }
  }

  /** Tells of all that waits. */
  flush(): void {
    while (this.#uses.size > 0) this.#sendSome();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#options.after(gatherMs, () => {
      this.#isScheduled = false;
      this.#sendSome();
      if (this.#uses.size > 0) this.#schedule();
    });
  }

  #sendSome(): void {
    const uses: KeyUse[] = [];
    for (const [accessKeyId, { service, operation, usedAtMs }] of this.#uses) {
      if (uses.length >= maxUsesPerMessage) break;
      uses.push({ accessKeyId, operation: `${service}:${operation}`, usedAtMs });
      this.#uses.delete(accessKeyId);
    }
    if (uses.length > 0) this.#options.send(uses);
  }
}
