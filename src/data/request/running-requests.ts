import type { S3Request } from "./s3-request.ts";

/** The requests a worker is at work on, so that none outlives the right it was let in with. */
export class RunningRequests {
  readonly #requests = new Set<S3Request>();

  add(request: S3Request): void {
    this.#requests.add(request);
  }

  delete(request: S3Request): void {
    this.#requests.delete(request);
  }

  /** Ends every request that `isAllowed` no longer lets in. */
  recheck(isAllowed: (request: S3Request) => boolean): void {
    for (const request of this.#requests) if (!isAllowed(request)) request.revoke();
  }
}
