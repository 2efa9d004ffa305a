import type { ControlCall, ToControl } from "#kernel/protocol/to-control.ts";
import type { ControlResult } from "#kernel/protocol/to-data.ts";
import type { S3ErrorCode } from "#kernel/s3/error-code.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";

/** A worker's calls to the control thread: mutations of control state that an S3 request asks for. */
export class ControlClient {
  readonly #send: (message: ToControl) => void;
  readonly #waiting = new Map<number, (result: ControlResult) => void>();
  #nextId = 1;

  constructor(send: (message: ToControl) => void) {
    this.#send = send;
  }

  /** @throws S3Error with the code that control answers */
  call(call: ControlCall): Promise<unknown> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, (result) => {
        if (result.ok) resolve(result.value);
        else reject(toError(result.code, result.message));
      });
      this.#send({ kind: "call", id, call });
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
