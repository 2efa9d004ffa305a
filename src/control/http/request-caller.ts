import type { KeyHolder } from "./basic-authentication.ts";
import type { Caller } from "./caller.ts";
import { ControlError } from "./control-error.ts";
import { getRequestContext } from "./request-context.ts";

const callers = new WeakMap<Request, Caller>();

/** Remembers who makes a request until the request is gone. */
export function setRequestCaller(request: Request, caller: Caller): void {
  callers.set(request, caller);
}

/** Who makes a request. @throws ControlError Unauthorized when the guard has not found that out */
export function getRequestCaller(request: Request): Caller {
  const caller = callers.get(request);
  if (caller === undefined) throw new ControlError("Unauthorized");
  return caller;
}

/** The caller behind an administrator's access key: its secret comes with each request, so the proof is always fresh. */
export function callerOfKey({ key, user }: KeyHolder, request: Request, secure: boolean): Caller {
  const { requestId, clientAddress: address } = getRequestContext(request);
  const { userId, name: userName, tenantId, global } = user;
  return {
    ...{ userId, userName, tenantId, global, via: "basic", mfa: false, freshProof: true, secure },
    ...{ address, agent: readAgent(request), requestId },
    ...{ accessKeyId: key.accessKeyId, narrowing: key.narrowing },
  };
}

const maxAgentLength = 256;

/** `User-Agent`, at most 256 characters; empty when there is none. */
export function readAgent(request: Request): string {
  return (request.headers.get("user-agent") ?? "").slice(0, maxAgentLength);
}
