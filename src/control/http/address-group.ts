/**
 * What an address counts as when attempts are limited: an IPv4 address itself, in any spelling within IPv6; of an IPv6 address its
 * first 64 bits, of which one household or server has all the rest.
 */
export function addressGroup(address: string): string {
  const text = address.toLowerCase().replace(/%.*$/, "");
  const [, ipv4] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(text) ?? [];
  if (ipv4 !== undefined || !text.includes(":")) return ipv4 ?? text;
  const [head = "", tail] = text.split("::");
  const groups = head === "" ? [] : head.split(":");
  const ending = tail === undefined || tail === "" ? [] : tail.split(":");
  while (groups.length + ending.length < 8) groups.push("0");
  const whole = [...groups, ...ending].slice(0, 4);
  return `${whole.map((group) => group.replace(/^0+(?=.)/, "")).join(":")}::/64`;
}
