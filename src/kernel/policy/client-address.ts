import { type IpNetwork, isInNetwork, parseIpAddress, parseIpNetwork } from "./ip-network.ts";

/** Addresses looked at in one header; behind more proxies nobody is. */
const maxHops = 32;

/**
 * Who asks: the TCP peer; when that is a trusted proxy, the rightmost address of `X-Forwarded-For` that is none. What stands left of
 * it anybody can write. A header that cannot be read ends the search at the last address that was sure.
 * @param forwarded the header, its lines joined by commas; null when there is none
 * @param trusted addresses or CIDR ranges; what is neither is ignored
 */
export function findClientAddress(peer: string, forwarded: string | null, trusted: readonly string[]): string {
  if (trusted.length === 0 || forwarded === null) return peer;
  const networks = trusted.flatMap((text) => parseIpNetwork(text) ?? []);
  let client = peer;
  for (const hop of forwarded.split(",").reverse().slice(0, maxHops)) {
    if (!isTrusted(client, networks)) return client;
    const address = hop.trim();
    if (parseIpAddress(address) === undefined) return client;
    client = address;
  }
  return client;
}

/** Whether an address is one of a trusted proxy. */
export function isTrustedProxy(address: string, trusted: readonly string[]): boolean {
  return isTrusted(
    address,
    trusted.flatMap((text) => parseIpNetwork(text) ?? []),
  );
}

function isTrusted(address: string, networks: readonly IpNetwork[]): boolean {
  // The zone of a link-local address is the machine's own name for the line it came by.
  const words = parseIpAddress(address.replace(/%.*$/, ""));
  return words !== undefined && networks.some((network) => isInNetwork(network, words));
}
