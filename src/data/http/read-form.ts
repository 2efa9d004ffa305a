import type { IncomingMessage, ServerResponse } from "node:http";
import type { RequestTarget } from "#kernel/s3/request-target.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import { StsError } from "#kernel/sts/sts-error.ts";
import type { BodyBudget } from "../request/body-budget.ts";
import { GatheredBody } from "../request/gathered-body.ts";
import { pump } from "../request/receive-body.ts";
import type { GatheringMessage } from "../request/s3-request.ts";

/** Bytes of a form for STS at most. */
export const maxFormBytes = 65_536;
/**
 * Bytes a worker holds at most for forms that are on their way. Nobody is known for sure before a form is whole, since the signature
 * covers it: forms have room of their own and take none from those who store objects. One access key's get a quarter of it.
 */
export const maxFormsBytes = 64 * maxFormBytes;
/** Part of that room, and of the places in the line for it, that the forms of one access key get. */
export const maxFormsShare = 1 / 4;

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
 * @throws StsError RequestEntityTooLarge, S3Error MissingContentLength (chunks), SlowDown, IncompleteBody; whatever `work` throws
 */
export async function withForm<Result>(
  { message, response, awaitsContinue }: ArrivingForm,
  room: FormRoom,
  work: (bytes: Uint8Array) => Promise<Result>,
): Promise<Result> {
  if (message.headers["transfer-encoding"] !== undefined) throw new S3Error("MissingContentLength");
  if (Number(message.headers["content-length"] ?? 0) > maxFormBytes) throw new StsError("RequestEntityTooLarge");
  const held = new HeldBytes(message, room);
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

/** Where forms count, and whose share of it they take. */
export interface FormRoom {
  readonly budget: BodyBudget;
  /** The access key that the form says it is signed with. */
  readonly holder: string;
}

/** What one form takes of the budget; the listener sees it on the message. */
class HeldBytes {
  readonly #message: GatheringMessage;
  readonly #room: FormRoom;
  #bytes = 0;
  #isReleased = false;

  constructor(message: GatheringMessage, room: FormRoom) {
    this.#message = message;
    this.#room = room;
  }

  gather(bytes: number): Promise<void> | undefined {
    const { budget, holder } = this.#room;
    const waiting = budget.take(bytes, holder);
    if (waiting !== undefined) return waiting.then(() => this.#count(bytes));
    this.#count(bytes);
    return undefined;
  }

  release(): void {
    this.#isReleased = true;
    this.#count(-this.#bytes);
  }

  #count(bytes: number): void {
    const { budget, holder } = this.#room;
    // Room that came after the client had gone is given back.
    if (this.#isReleased && bytes > 0) {
      budget.give(bytes, holder);
      return;
    }
    if (bytes < 0) budget.give(-bytes, holder);
    this.#bytes += bytes;
    this.#message.gatheredBytes = this.#bytes;
  }
}
