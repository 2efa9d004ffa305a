import { type IpNetwork, isInNetwork, parseIpAddress, parseIpNetwork } from "#kernel/policy/ip-network.ts";

/**
 * Tells whether an address is in one of the networks, in any spelling of IPv4 within IPv6; a zone does not count. What is no
 * address is in none. @param networks addresses or ranges in CIDR form
 */
export function isInNetworks(networks: readonly string[]): (address: string) => boolean {
  const parsed = networks.map(parseIpNetwork).filter((network): network is IpNetwork => network !== undefined);
  return (address) => {
    const words = parseIpAddress(address.replace(/%.*$/, ""));
    return words !== undefined && parsed.some((network) => isInNetwork(network, words));
  };
}
