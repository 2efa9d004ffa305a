import { type RequestOptions, request as requestPlain } from "node:http";
import { request as requestSecure } from "node:https";
import { isIP } from "node:net";
import type { TargetAddress } from "./resolve-target.ts";

/** A request to a web address outside. */
export interface PostRequest {
  readonly url: URL;
  /** Where to connect: the name of the URL is used for `Host`, SNI and the certificate alone. */
  readonly target: TargetAddress;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Until the head of the answer must have come, ms. */
  readonly timeoutMs: number;
  /** Ends it early. */
  readonly signal: AbortSignal;
}

/**
 * Sends a POST request on a connection of its own. Redirects are not followed, and nothing of the answer's body is read.
 * @returns the status
 * @throws Error when there is no answer
 */
export function post({ url, target, headers, body, timeoutMs, signal }: PostRequest): Promise<number> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const isSecure = url.protocol === "https:";
  const standardPort = isSecure ? 443 : 80;
  const bytes = Buffer.from(body);
  const options: RequestOptions & { servername?: string } = {
    host: target.address,
    port: url.port === "" ? standardPort : Number(url.port),
    method: "POST",
    path: `${url.pathname}${url.search}`,
    headers: { ...headers, host: url.host, "content-length": bytes.length },
    // Pooled connections would be found by name, and go to an address that nobody judged.
    agent: false,
    ...(isIP(host) === 0 && { servername: host }),
  };
  return new Promise((resolve, reject) => {
    const call = (isSecure ? requestSecure : requestPlain)(options, (response) => {
      resolve(response.statusCode ?? 0);
      response.on("error", () => undefined);
      response.destroy();
    });
    const end = (reason: string) => call.destroy(new Error(reason));
    const timer = setTimeout(() => end(`No answer within ${timeoutMs} ms`), timeoutMs);
    const onAbort = () => end("Given up");
    signal.addEventListener("abort", onAbort);
    if (signal.aborted) onAbort();
    call.on("error", reject);
    call.on("close", () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      reject(new Error("The connection was closed without an answer"));
    });
    call.end(bytes);
  });
}
