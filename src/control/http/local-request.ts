import { isIP } from "node:net";
import { getRequestContext } from "./request-context.ts";

/** Headers of proxies besides `x-forwarded-*`: behind one, the peer's address says nothing about who asks. */
const proxyHeaders = [
  "forwarded",
  "via",
  "x-real-ip",
  "x-client-ip",
  "x-cluster-client-ip",
  "x-original-forwarded-for",
  "x-envoy-external-address",
  "true-client-ip",
  "cf-connecting-ip",
  "fastly-client-ip",
  "x-azure-clientip",
];

/** Names that the public name system does not give to anybody. Source: RFC 6761, RFC 6762, RFC 8375, ICANN resolution of 2024-07-29. */
const privateEndings = [".localhost", ".local", ".internal", ".home.arpa"];

/** Whose requests are local. */
export interface LocalPeers {
  /** Further names in lower case that are the server's. */
  readonly knownHosts: readonly string[];
  readonly isAllowed: (address: string) => boolean;
}

/**
 * Whether a request comes from an address that is let in, asked for by an address or a name of these. A page in a browser
 * there can let its own name point to the server (DNS rebinding): such a request has the right peer and a foreign Host.
 */
export function isLocalRequest(request: Request, { knownHosts, isAllowed }: LocalPeers): boolean {
  for (const name of request.headers.keys()) {
    if (name.startsWith("x-forwarded") || proxyHeaders.includes(name)) return false;
  }
  return isAllowed(getRequestContext(request).peerAddress) && isOwnHost(request.headers.get("host"), knownHosts);
}

function isOwnHost(host: string | null, knownHosts: readonly string[]): boolean {
  const match = /^(?:\[([^\]]*)\]|([^:]*))(?::\d+)?$/.exec(host?.toLowerCase() ?? "");
  if (match === null) return false;
  const [, ipv6, other = ""] = match;
  if (ipv6 !== undefined) return isIP(ipv6) === 6;
  const name = other.replace(/\.$/, "");
  // A name without a dot is one of the machine, the local network or a container's neighbours.
  if (isIP(name) !== 0 || /^[a-z0-9_-]+$/.test(name)) return true;
  return knownHosts.includes(name) || privateEndings.some((ending) => name.endsWith(ending));
}
