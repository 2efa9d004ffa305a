import type { Usage } from "#kernel/protocol/quota.ts";
import type { FromWriter, ToWriter } from "#kernel/protocol/to-writer.ts";
import type { S3ErrorCode } from "#kernel/s3/error-code.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";

/** A request to the catalog writer, before it has its id. */
export type WriterRequest =
  | { readonly kind: "createCatalog"; readonly bucketId: string; readonly tenantId: string }
  | { readonly kind: "closeCatalog" | "removeCatalog"; readonly bucketId: string }
  | { readonly kind: "usage"; readonly bucketIds: readonly string[] }
  | { readonly kind: "probe" };

/** How the writer answered: `notEmpty` refuses `closeCatalog` and says of `removeCatalog` that there is more, a list answers `usage`. */
export type WriterOutcome = "done" | "notEmpty" | readonly (Usage | null)[];

const errorCodes = {
  noRoom: "InsufficientStorage",
  unavailable: "ServiceUnavailable",
  locked: "SlowDown",
  io: "InternalError",
} as const satisfies Record<string, S3ErrorCode>;

interface Waiting {
  readonly resolve: (outcome: WriterOutcome) => void;
  readonly reject: (error: S3Error) => void;
}

/** Requests to the catalog writer that wait for their answer. All of them can be repeated without harm. */
export class WriterRequests {
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;

  /**
   * Sends a request; `send` is undefined while there is no writer.
   * @throws S3Error ServiceUnavailable when there is no writer, it dies before it answers or the
   * catalog is not available, SlowDown when it is locked, InternalError when the disk failed, InsufficientStorage when it is full; the reason is in the log, not in the error: it may name paths
   */
  request(request: WriterRequest, send: ((message: ToWriter) => void) | undefined): Promise<WriterOutcome> {
    return new Promise((resolve, reject) => {
      if (!send) {
        reject(gone());
        return;
      }
      const id = this.#nextId++;
      this.#waiting.set(id, { resolve, reject });
      send({ ...request, id });
    });
  }

  /** Hands an answer to who waits for it. */
  settle(answer: Extract<FromWriter, { kind: "done" | "usage" | "failed" }>): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if (!waiting) return;
    if (answer.kind === "done") waiting.resolve("done");
    else if (answer.kind === "usage") waiting.resolve(answer.usages);
    else if (answer.reason === "notEmpty") waiting.resolve("notEmpty");
    else waiting.reject(new S3Error(errorCodes[answer.reason]));
  }

  /** The writer ended: whether it did what was asked is unknown. */
  failAll(): void {
    const lost = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of lost) reject(gone());
  }
}

function gone(): S3Error {
  return new S3Error("ServiceUnavailable", { message: "The catalog writer is being restarted" });
}
