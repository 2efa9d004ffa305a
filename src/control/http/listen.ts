import type { Random } from "#kernel/base/random.ts";
import { findClientAddress } from "#kernel/policy/client-address.ts";
import type { ListenAddress } from "#kernel/settings/value-parser.ts";
import type { Span } from "#kernel/trace/span.ts";
import type { OpenSpan } from "#kernel/trace/span-maker.ts";
import type { Log } from "../observe/log.ts";
import type { TraceExport } from "../tracing/trace-export.ts";
import { CallSlots } from "./call-slots.ts";
import { ControlError } from "./control-error.ts";
import { nameHostOfProbe } from "./hostless-probe.ts";
import { renderProblem } from "./render-problem.ts";
import { getRequestContext, setRequestContext } from "./request-context.ts";

/** What answers requests. */
export interface RequestHandler {
  handle(request: Request): Promise<Response>;
}

/** An open listener of the control plane. */
export interface ControlListener {
  readonly port: number;
  /** Stops accepting, waits a while for calls that run, and ends what is left. */
  close(): Promise<void>;
}

/** What listening needs. */
export interface ListenOptions {
  readonly address: ListenAddress;
  readonly app: RequestHandler;
  /** Addresses or CIDR ranges whose `X-Forwarded-For` counts. */
  readonly trustedProxies: () => readonly string[];
  readonly random: Random;
  readonly log: Log;
  /** Given each answer before it is sent. */
  readonly settle: (request: Request, response: Response) => Promise<Response>;
  /** Absent: nothing is traced. */
  readonly traces?: TraceExport | undefined;
}

const maxBodyBytes = 2 ** 20;
const idleSeconds = 30;
/** Of `/health` and what is below; a request with a wrong Host has no whole URL. */
const healthUrl = /^(?:https?:\/\/[^/]*)?\/health(?:[/?]|$)/;
/** Calls that run when the server ends have 3 s: the secret of a new key is in the answer and nowhere else. */
const closeSteps = 300;
const closeStepMs = 10;

/** On every response that does not say otherwise itself. Source: OWASP HTTP Headers Cheat Sheet. */
const commonHeaders: Readonly<Record<string, string>> = {
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
};

/**
 * Listens for the control plane. Each response has an `X-Request-Id` of its own.
 * @throws Error with code EADDRINUSE, EACCES or EADDRNOTAVAIL when the address cannot be had.
 */
export function listen({ address, app, trustedProxies, random, log, settle, traces }: ListenOptions): ControlListener {
  const slots = new CallSlots();
  const handleBounded = async (request: Request): Promise<Response> => {
    const { clientAddress, requestId } = getRequestContext(request);
    // Who asks for the server's health is not to be told about others.
    const release = healthUrl.test(request.url) ? () => undefined : slots.take(clientAddress);
    if (release === undefined) return refuseCrowd(requestId);
    try {
      return await app.handle(request);
    } finally {
      release();
    }
  };
  const server = Bun.serve({
    hostname: address.host,
    port: address.port,
    maxRequestBodySize: maxBodyBytes,
    idleTimeout: idleSeconds,
    development: false,
    async fetch(received, self) {
      const request = nameHostOfProbe(received);
      const requestId = Buffer.from(random.bytes(16)).toString("hex");
      const peerAddress = self.requestIP(received)?.address ?? "";
      const forwarded = request.headers.get("x-forwarded-for");
      const clientAddress = findClientAddress(peerAddress, forwarded, trustedProxies());
      setRequestContext(request, { requestId, peerAddress, clientAddress });
      const span = traces?.beginRequest(request.method, request.headers.get("traceparent") ?? undefined);
      const response = await settle(request, await handleBounded(request));
      if (span !== undefined) traces?.finish(endSpan(span, { request, status: response.status }));
      for (const [name, value] of getRequestContext(request).responseHeaders) response.headers.append(name, value);
      response.headers.set("x-request-id", requestId);
      for (const [name, value] of Object.entries(commonHeaders)) {
        if (!response.headers.has(name)) response.headers.set(name, value);
      }
      if (!response.headers.has("cache-control")) response.headers.set("cache-control", "no-store");
      return response;
    },
    error(error) {
      log.error("A request failed outside the routes", { error: error.stack ?? error.message });
      return renderProblem(new ControlError("InternalError"), "");
    },
  });
  const close = async () => {
    void server.stop();
    for (let step = 0; step < closeSteps && server.pendingRequests > 0; step++) await Bun.sleep(closeStepMs);
    await server.stop(true);
  };
  return { port: server.port ?? 0, close };
}

/** The rest of the body is not read: the connection ends. */
function refuseCrowd(requestId: string): Response {
  const refused = renderProblem(new ControlError("Unavailable", "Too many calls run at the same time"), requestId);
  refused.headers.set("connection", "close");
  return refused;
}

/** A request is named by its action: paths hold names and ids. */
function endSpan(span: OpenSpan, { request, status }: { readonly request: Request; readonly status: number }): Span {
  const { requestId, action } = getRequestContext(request);
  const ended = span.end({
    isError: status >= 500,
    attributes: {
      "http.request.method": request.method,
      "http.response.status_code": status,
      "maxiofs.request_id": requestId,
    },
  });
  return action === undefined ? ended : { ...ended, name: action };
}
