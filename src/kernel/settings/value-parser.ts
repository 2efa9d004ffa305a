import { parseIpAddress, parseIpNetwork } from "../policy/ip-network.ts";

/** Reads one kind of setting from its text. `allowed` completes the sentence "must be ...". */
export interface ValueParser<V> {
  readonly allowed: string;
  /** Undefined when the text is not allowed. */
  parse(text: string): V | undefined;
}

/** An address to listen on. An IPv6 host has no brackets here. Port 0 picks a free one. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

const maxListLength = 100;
const hostLabel = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const ipv6Text = /^[0-9A-Fa-f:.]{2,45}$/;

/** A whole number from `min` to `max`, both included; digits only. `unit` is for the message, such as "bytes". */
export function integerBetween(min: number, max: number, unit = ""): ValueParser<number> {
  return {
    allowed: `a whole number${unit === "" ? "" : ` of ${unit}`} from ${min} to ${max}`,
    parse: (text) => {
      if (!/^\d{1,16}$/.test(text)) return undefined;
      const value = Number(text);
      return value >= min && value <= max ? value : undefined;
    },
  };
}

/** One of a few words, exactly as written. */
export function oneOf<const W extends string>(...words: readonly W[]): ValueParser<W> {
  return { allowed: `one of ${words.join(", ")}`, parse: (text) => words.find((word) => word === text) };
}

/** `true` or `false`. */
export const booleanValue: ValueParser<boolean> = {
  allowed: "true or false",
  parse: (text) => (text === "true" || text === "false" ? text === "true" : undefined),
};

/** Text that matches the whole of a pattern. */
export function textLike(pattern: RegExp, allowed: string): ValueParser<string> {
  return { allowed, parse: (text) => (pattern.test(text) ? text : undefined) };
}

/** A path of the file system: 1 to 4,096 characters, none of them NUL. */
export const pathValue: ValueParser<string> = {
  allowed: "a path of 1 to 4096 characters",
  parse: (text) => (text.length > 0 && text.length <= 4096 && !text.includes("\0") ? text : undefined),
};

/** A comma-separated list of at most 100 items, blanks around items ignored; empty text is an empty list. */
export function listOf<V>(item: ValueParser<V>): ValueParser<readonly V[]> {
  return {
    allowed: `a comma-separated list, each ${item.allowed}`,
    parse: (text) => {
      if (text.trim() === "") return [];
      const items = text.split(",").map((part) => item.parse(part.trim()));
      const values = items.filter((value) => value !== undefined);
      return values.length === items.length && values.length <= maxListLength ? values : undefined;
    },
  };
}

/** A DNS name of at most 253 characters; given in any case, kept in lower case. */
export const domainValue: ValueParser<string> = {
  allowed: "a domain name such as s3.example.com",
  parse: (text) => {
    const name = text.toLowerCase();
    return name.length <= 253 && name.split(".").every((label) => hostLabel.test(label)) ? name : undefined;
  },
};

/** A DNS name or an address; one of IPv6 with or without brackets, kept without. */
export const hostValue: ValueParser<string> = {
  allowed: "a host name or an address, such as logs.example.com, 192.0.2.7 or 2001:db8::7",
  parse: (text) => {
    const address = (/^\[(.*)\]$/.exec(text)?.[1] ?? text).toLowerCase();
    if (address.includes(":")) return parseIpAddress(address) === undefined ? undefined : address;
    return address === text.toLowerCase() ? domainValue.parse(text) : undefined;
  },
};

/** `HOST:PORT`, `[IPV6]:PORT`; port 0 to 65535. */
export const listenValue: ValueParser<ListenAddress> = {
  allowed: "HOST:PORT, such as 0.0.0.0:9000 or [::1]:9000",
  parse: (text) => {
    const match = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
    if (match === null) return undefined;
    const [, ipv6, name, digits] = match;
    const port = Number(digits);
    if (port > 65_535) return undefined;
    if (ipv6 !== undefined) return ipv6Text.test(ipv6) && ipv6.includes(":") ? { host: ipv6, port } : undefined;
    const host = domainValue.parse(name ?? "");
    return host === undefined ? undefined : { host, port };
  },
};

/** A range of addresses in CIDR form, or one address; kept as written. */
export const networkValue: ValueParser<string> = {
  allowed: "an address or a range of addresses such as 10.0.0.0/8 or fd00::/8",
  parse: (text) => (parseIpNetwork(text) === undefined ? undefined : text),
};

/** The base of a web address: `http` or `https`, host, port, path without query; no slash at the end. */
export const urlValue: ValueParser<string> = {
  allowed: "a URL such as https://s3.example.com",
  parse: (text) => {
    if (text.length > 2048 || !/^https?:\/\/[^\s?#@]+$/.test(text) || !URL.canParse(text)) return undefined;
    return new URL(text).href.replace(/\/+$/, "");
  },
};
