import { readAgent } from "../http/request-caller.ts";
import { getRequestContext } from "../http/request-context.ts";
import type { RequestSource } from "./log-in-audit.ts";

/** Where a request comes from, behind trusted proxies too. */
export function sourceOf(request: Request): RequestSource {
  const { requestId, clientAddress } = getRequestContext(request);
  return { address: clientAddress, agent: readAgent(request), requestId };
}
