import type { AskedResource } from "../iam/caller-request.ts";

/** An action that policies allowed, and what it was asked for. */
export interface AllowedAction {
  readonly action: string;
  readonly asked: AskedResource;
}

/** What the listener knows of a request besides the request. */
export interface RequestContext {
  /** 32 hex digits, ours: one that a client sends is not taken over. */
  readonly requestId: string;
  /** The TCP peer; empty when it is unknown. */
  readonly peerAddress: string;
  /** Of the client behind trusted proxies; else the peer. */
  readonly clientAddress: string;
  /** Headers that the answer gets, whatever it is. */
  readonly responseHeaders: (readonly [name: string, value: string])[];
  /** What the route asked the policies, and they allowed. */
  readonly allowed: AllowedAction[];
  /** Of the route that was chosen; absent: a public one, or none yet. */
  action?: string;
}

/** What a listener says of a request. */
export type GivenContext = Pick<RequestContext, "requestId" | "peerAddress"> &
  Partial<Pick<RequestContext, "clientAddress">>;

const contexts = new WeakMap<Request, RequestContext>();

/** Remembers the context of a request until the request is gone. */
export function setRequestContext(request: Request, given: GivenContext): void {
  contexts.set(request, { clientAddress: given.peerAddress, ...given, responseHeaders: [], allowed: [] });
}

/** The context of a request; an unknown peer when the listener did not set one. */
export function getRequestContext(request: Request): RequestContext {
  return (
    contexts.get(request) ?? { requestId: "", peerAddress: "", clientAddress: "", responseHeaders: [], allowed: [] }
  );
}
