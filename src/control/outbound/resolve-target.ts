import { lookup } from "node:dns/promises";
import { isInNetwork, parseIpAddress, parseIpNetwork } from "#kernel/policy/ip-network.ts";

/** Finds the addresses of a name, as text; replaced in tests. */
export type FindAddresses = (host: string) => Promise<readonly string[]>;

/** Where a connection may go. */
export interface TargetAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

/** What finding an address needs. */
export interface ResolveOptions {
  /** Value of `outbound.allowed_ranges`. */
  readonly allowedRanges: readonly string[];
  /** The system's resolver when absent. */
  readonly find?: FindAddresses | undefined;
}

/**
 * Addresses that are not of the public Internet, or lead to others: this network, private, carrier-grade NAT, loopback, link-local,
 * protocol assignments, documentation, benchmarks, 6to4 relays, multicast, reserved; IPv4 inside IPv6. IPv4 mapped into IPv6 is
 * judged as IPv4.
 * Source: IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890).
 */
const guardedRanges = [
  ...["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"],
  ...["192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24"],
  ...["203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"],
  ...["::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"],
  ...["5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8"],
].flatMap((text) => parseIpNetwork(text) ?? []);

/** Whether the server may connect to this address: a public one, or one that the operator allows. */
export function isAllowedAddress(address: string, allowedRanges: readonly string[]): boolean {
  const words = parseIpAddress(address);
  if (words === undefined) return false;
  if (!guardedRanges.some((network) => isInNetwork(network, words))) return true;
  return allowedRanges.some((text) => {
    const network = parseIpNetwork(text);
    return network !== undefined && isInNetwork(network, words);
  });
}

/**
 * Finds the address to connect to, once: who connects to it and not to the name cannot be led elsewhere by a second answer.
 * @param host a name or an address
 * @throws Error when there is none, or none that is allowed
 */
export async function resolveTarget(host: string, { allowedRanges, find }: ResolveOptions): Promise<TargetAddress> {
  const addresses = await findAddresses(host, find);
  const address = addresses.find((each) => isAllowedAddress(each, allowedRanges));
  if (address === undefined) {
    throw new Error(`${host} has no address that is public or in outbound.allowed_ranges: ${addresses.join(", ")}`);
  }
  return { address, family: address.includes(":") ? 6 : 4 };
}

async function findAddresses(host: string, find: FindAddresses | undefined): Promise<readonly string[]> {
  if (parseIpAddress(host) !== undefined) return [host];
  if (find !== undefined) return find(host);
  return (await lookup(host, { all: true })).map(({ address }) => address);
}
