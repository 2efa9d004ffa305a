import { post } from "../outbound/post.ts";
import { type ResolveOptions, resolveTarget } from "../outbound/resolve-target.ts";
import type { Delivery, Transport } from "./shipper.ts";

/** A receiver that takes batches as POST requests. */
export interface PostReceiver extends ResolveOptions {
  readonly url: URL;
  /** Sent as `Authorization: Bearer`; none when empty. */
  readonly bearerToken: string;
  readonly timeoutMs: number;
  /** What stands before the first item and behind the last one; commas stand between them. */
  readonly frame: readonly [before: string, after: string];
}

/** The request itself is wrong: it will be as wrong next time. Source: RFC 9110 section 15.5. */
const refusals: ReadonlySet<number> = new Set([400, 411, 413, 415, 422]);

/** Sends items, each JSON, as one document of JSON. Every other answer than 2xx and those that refuse the batch means: try again. */
export class PostTransport implements Transport {
  readonly #receiver: PostReceiver;
  readonly #ending = new AbortController();

  constructor(receiver: PostReceiver) {
    this.#receiver = receiver;
  }

  async send(items: readonly string[]): Promise<Delivery> {
    const { url, bearerToken, timeoutMs, frame } = this.#receiver;
    const target = await resolveTarget(url.hostname.replace(/^\[|\]$/g, ""), this.#receiver);
    const status = await post({
      url,
      target,
      headers: {
        "content-type": "application/json",
        "user-agent": "maxiofs",
        ...(bearerToken !== "" && { authorization: `Bearer ${bearerToken}` }),
      },
      body: `${frame[0]}${items.join(",")}${frame[1]}`,
      timeoutMs,
      signal: this.#ending.signal,
    });
    if (status >= 200 && status < 300) return "taken";
    if (refusals.has(status)) return "refused";
    throw new Error(`It answered ${status}`);
  }

  close(): void {
    this.#ending.abort();
  }
}
