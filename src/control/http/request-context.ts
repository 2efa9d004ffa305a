/** What the listener knows of a request besides the request. */
export interface RequestContext {
  /** 32 hex digits, ours: one that a client sends is not taken over. */
  readonly requestId: string;
  /** The TCP peer; empty when it is unknown. */
  readonly peerAddress: string;
}

const contexts = new WeakMap<Request, RequestContext>();

/** Remembers the context of a request until the request is gone. */
export function setRequestContext(request: Request, context: RequestContext): void {
  contexts.set(request, context);
}

/** The context of a request; an unknown peer when the listener did not set one. */
export function getRequestContext(request: Request): RequestContext {
  return contexts.get(request) ?? { requestId: "", peerAddress: "" };
}
