import { parseIpAddress } from "./ip-network.ts";

/**
 * What an address counts as when connections or attempts are limited: an IPv4 address itself, in any spelling within IPv6; of an
 * IPv6 address its first 64 bits, of which one household or server has all the rest. A text that is no address counts as itself.
 */
export function clientNetwork(address: string): string {
  const words = parseIpAddress(address.replace(/%.*$/, ""));
  if (words === undefined) return address;
  const [first = 0, second = 0] = words;
  if (words.length === 1) return [24, 16, 8, 0].map((shift) => (first >>> shift) & 0xff).join(".");
  const groups = [first, second].flatMap((word) => [(word >>> 16) & 0xffff, word & 0xffff]);
  return `${groups.map((group) => group.toString(16)).join(":")}::/64`;
}
