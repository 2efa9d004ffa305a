import type { ControlCall, ToControl } from "#kernel/protocol/to-control.ts";
import type { ControlResult } from "#kernel/protocol/to-data.ts";
import { errorCodes, type S3ErrorCode } from "#kernel/s3/error-code.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import { renderTraceparent } from "#kernel/trace/traceparent.ts";
import type { BeginPart } from "./trace/tracer.ts";

/** A worker's calls to the control thread: mutations of control state that an S3 request asks for. */
export class ControlClient {
  readonly #send: (message: ToControl) => void;
  readonly #waiting = new Map<number, (result: ControlResult) => void>();
  readonly #beginPart: BeginPart;
  #nextId = 1;

  /** @param beginPart traces calls; absent: nothing is traced */
  constructor(send: (message: ToControl) => void, beginPart: BeginPart = () => undefined) {
    this.#send = send;
    this.#beginPart = beginPart;
  }

  /** @throws S3Error with the code that control answers */
  call(call: ControlCall): Promise<unknown> {
    const id = this.#nextId++;
    const part = call.origin && this.#beginPart(call.origin.requestId, "CallControl");
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, (result) => {
        part?.end(!result.ok && errorCodes[result.code][0] >= 500);
        if (result.ok) resolve(result.value);
        else reject(toError(result.code, result.message));
      });
      this.#send({ kind: "call", id, call, ...(part && { trace: renderTraceparent(part) }) });
    });
  }

  /** Hands an answer to who waits for it. */
  settle(id: number, result: ControlResult): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    waiting?.(result);
  }
}

function toError(code: S3ErrorCode, message: string | undefined): S3Error {
  return message === undefined ? new S3Error(code) : new S3Error(code, { message });
}
