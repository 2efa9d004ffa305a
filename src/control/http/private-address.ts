/**
 * Whether an address is loopback, link-local or private, in any spelling of IPv4 within IPv6.
 * Source: RFC 1918, RFC 1122 section 3.2.1.3, RFC 3927, RFC 4193, RFC 4291 sections 2.5.3, 2.5.5.2, 2.5.6.
 */
export function isPrivateAddress(address: string): boolean {
  const text = address.toLowerCase();
  const ipv4 = /^(?:::ffff:)?(\d{1,3})\.(\d{1,3})\.\d{1,3}\.\d{1,3}$/.exec(text);
  if (ipv4 === null) return text === "::1" || /^f[cd][0-9a-f]{2}:/.test(text) || /^fe[89ab][0-9a-f]:/.test(text);
  const [first, second] = [Number(ipv4[1]), Number(ipv4[2])];
  if (first === 172) return second >= 16 && second < 32;
  return first === 127 || first === 10 || (first === 192 && second === 168) || (first === 169 && second === 254);
}
