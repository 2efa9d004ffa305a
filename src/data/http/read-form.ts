import type { IncomingMessage, ServerResponse } from "node:http";
import type { RequestTarget } from "#kernel/s3/request-target.ts";
import { StsError } from "#kernel/sts/sts-error.ts";
import type { BodyBudget } from "../request/body-budget.ts";
import { GatheredBody } from "../request/gathered-body.ts";
import { pump } from "../request/receive-body.ts";
import type { GatheringMessage } from "../request/s3-request.ts";

/** Bytes of a form for STS at most. */
export const maxFormBytes = 65_536;
/**
 * Bytes a worker holds at most for forms that are on their way. Nobody is known before a form is whole, since the signature covers
 * it: forms have room of their own and take none from those who store objects.
 */
export const maxFormsBytes = 64 * maxFormBytes;

/** Whose share of that room a form takes: everybody's. */
const unknownHolder = "";

const formType = "application/x-www-form-urlencoded";

/** Whether a request is a form of AWS's query protocol: S3 has no POST to the service itself, browsers upload to buckets. */
export function isServiceForm({ method, headers }: IncomingMessage, target: RequestTarget): boolean {
  if (method !== "POST" || target.bucket !== undefined) return false;
  return headers["content-type"]?.split(";")[0]?.trim().toLowerCase() === formType;
}

/** A form that is on its way. */
export interface ArrivingForm {
  readonly message: GatheringMessage;
  readonly response: ServerResponse;
  readonly awaitsContinue: boolean;
}

/**
 * Reads a form, whose bytes count in the worker's budget while `work` runs.
 * @throws StsError RequestEntityTooLarge, S3Error SlowDown, IncompleteBody; whatever `work` throws
 */
export async function withForm<Result>(
  { message, response, awaitsContinue }: ArrivingForm,
  budget: BodyBudget,
  work: (bytes: Uint8Array) => Promise<Result>,
): Promise<Result> {
  if (Number(message.headers["content-length"] ?? 0) > maxFormBytes) throw new StsError("RequestEntityTooLarge");
  const held = new HeldBytes(message, budget);
  try {
    const body = new GatheredBody(held, maxFormBytes);
    if (awaitsContinue) response.writeContinue();
    await pump(message, (piece) => {
      if (body.length + piece.length > maxFormBytes) throw new StsError("RequestEntityTooLarge");
      return body.append(piece);
    });
    return await work(body.bytes);
  } finally {
    held.release();
  }
}

/** What one form takes of the budget; the listener sees it on the message. */
class HeldBytes {
  readonly #message: GatheringMessage;
  readonly #budget: BodyBudget;
  #bytes = 0;
  #isReleased = false;

  constructor(message: GatheringMessage, budget: BodyBudget) {
    this.#message = message;
    this.#budget = budget;
  }

  gather(bytes: number): Promise<void> | undefined {
    const waiting = this.#budget.take(bytes, unknownHolder);
    if (waiting !== undefined) return waiting.then(() => this.#count(bytes));
    this.#count(bytes);
    return undefined;
  }

  release(): void {
    this.#isReleased = true;
    this.#count(-this.#bytes);
  }

  #count(bytes: number): void {
    // Room that came after the client had gone is given back.
    if (this.#isReleased && bytes > 0) {
      this.#budget.give(bytes, unknownHolder);
      return;
    }
    if (bytes < 0) this.#budget.give(-bytes, unknownHolder);
    this.#bytes += bytes;
    this.#message.gatheredBytes = this.#bytes;
  }
}
