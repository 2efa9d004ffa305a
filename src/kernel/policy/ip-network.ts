/** A range of addresses: `bits` leading bits of `words` (one of 32 bits for IPv4, four for IPv6) are fixed. */
export interface IpNetwork {
  readonly words: readonly number[];
  /** 0 to 32, or 0 to 128. */
  readonly bits: number;
}

const byteText = /^(?:0|[1-9]\d{0,2})$/;
const groupText = /^[0-9a-fA-F]{1,4}$/;
/** Longest text of an address: eight groups, the last two as IPv4. */
const maxAddressLength = 45;

/**
 * The words of an address: one for IPv4, four for IPv6. IPv4 mapped into IPv6 (`::ffff:192.0.2.1`) is IPv4; undefined when the
 * text is no address (zones and leading zeros are none). Source: RFC 4291 section 2.2.
 */
export function parseIpAddress(text: string): readonly number[] | undefined {
  if (text.length > maxAddressLength) return undefined;
  if (!text.includes(":")) {
    const word = parseIpv4(text);
    return word === undefined ? undefined : [word];
  }
  const words = parseIpv6(text);
  return words !== undefined && isMapped(words) ? words.slice(3) : words;
}

/** A range in CIDR form, or an address as the range of itself; bits beyond the prefix do not count. */
export function parseIpNetwork(text: string): IpNetwork | undefined {
  const slash = text.indexOf("/");
  const address = slash < 0 ? text : text.slice(0, slash);
  const words = parseIpAddress(address);
  if (words === undefined) return undefined;
  const writtenBits = address.includes(":") ? 128 : 32;
  const prefix = slash < 0 ? String(writtenBits) : text.slice(slash + 1);
  if (!byteText.test(prefix) || Number(prefix) > writtenBits) return undefined;
  // A prefix of a mapped address counts the 96 bits before it; a shorter one names no range of IPv4.
  const bits = words.length * 32 === writtenBits ? Number(prefix) : Number(prefix) - 96;
  return bits < 0 ? undefined : { words, bits };
}

/** True when the address is in the range; never across families. */
export function isInNetwork(network: IpNetwork, address: readonly number[]): boolean {
  if (network.words.length !== address.length) return false;
  let bits = network.bits;
  for (let index = 0; bits > 0; index += 1, bits -= 32) {
    const mask = bits >= 32 ? -1 : ~(-1 >>> bits);
    if ((((network.words[index] ?? 0) ^ (address[index] ?? 0)) & mask) !== 0) return false;
  }
  return true;
}

function parseIpv4(text: string): number | undefined {
  const bytes = text.split(".");
  if (bytes.length !== 4) return undefined;
  let word = 0;
  for (const byte of bytes) {
    const value = Number(byte);
    if (!byteText.test(byte) || value > 255) return undefined;
    word = word * 256 + value;
  }
  return word;
}

function parseIpv6(text: string): number[] | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0] ?? "", halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1] ?? "", true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const groups = [...head, ...new Array<number>(missing).fill(0), ...tail];
  return [0, 2, 4, 6].map((index) => (groups[index] ?? 0) * 65_536 + (groups[index + 1] ?? 0));
}

/** Groups of 16 bits; only at the very end of an address the last may be written as IPv4. */
function parseGroups(text: string, isEnd: boolean): number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [index, part] of parts.entries()) {
    if (groupText.test(part)) {
      groups.push(Number.parseInt(part, 16));
      continue;
    }
    const word = isEnd && index === parts.length - 1 ? parseIpv4(part) : undefined;
    if (word === undefined) return undefined;
    groups.push(Math.floor(word / 65_536), word % 65_536);
  }
  return groups;
}

function isMapped(words: readonly number[]): boolean {
  return words[0] === 0 && words[1] === 0 && words[2] === 0xffff;
}
