import { decodeKeyBytes } from "./object-key.ts";
import type { OperationLevel } from "./operation.ts";
import { S3Error } from "./s3-error.ts";

/** Labels below a base domain that name a service, never a bucket. */
const reservedHostLabels: readonly string[] = ["sts", "iam"];

/** What a request line and its Host name. Bucket and key are decoded but not yet checked. */
export interface RequestTarget {
  /** Absent at service level. May be empty (`//k`): no bucket has such a name. */
  readonly bucket: string | undefined;
  /** Absent at service and bucket level; never empty. */
  readonly key: string | undefined;
  /** The path as sent, from its first slash; what a signature covers. */
  readonly rawPath: string;
  /** The query as sent, without `?`; empty when there is none. */
  readonly rawQuery: string;
  /** The configured domain that Host equals or lies below; undefined for IP addresses and unknown hosts. */
  readonly domain: string | undefined;
  /** The bucket stood in Host and not in the path. */
  readonly isVirtualHost: boolean;
}

/**
 * Splits a request target. Path style (`/bucket/key`) holds unless Host is `<bucket>.<domain>`: Host is lower-cased, its
 * port and a final dot cut, the longest of `domains` wins and all labels before it are the bucket. The raw path is split
 * at its first two slashes, then decoded once; dot segments and further slashes are ordinary bytes of the key. In the
 * absolute form the authority is passed over: the bucket comes from Host, which is signed.
 * @param rawUrl request target of the request line, each character one byte (origin, absolute or asterisk form)
 * @param domains base domains in lower case, without port
 * @throws S3Error InvalidURI when the target has no path or holds an incomplete escape or bytes that are no UTF-8
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html; RFC 9112 section 3.2
 */
export function parseRequestTarget(
  rawUrl: string,
  host: string | undefined,
  domains: readonly string[],
): RequestTarget {
  const origin = rawUrl.charCodeAt(0) === slash ? rawUrl : originForm(rawUrl);
  const mark = origin.indexOf("?");
  const rawPath = mark < 0 ? origin : origin.slice(0, mark);
  const rawQuery = mark < 0 ? "" : origin.slice(mark + 1);
  const hostname = host === undefined || domains.length === 0 ? "" : normaliseHost(host);
  const domain = findDomain(hostname, domains);
  if (domain !== undefined && hostname.length > domain.length) {
    const bucket = hostname.slice(0, hostname.length - domain.length - 1);
    if (!reservedHostLabels.includes(bucket)) {
      return { bucket, key: decodeKey(rawPath.slice(1)), rawPath, rawQuery, domain, isVirtualHost: true };
    }
  }
  const rest = { rawPath, rawQuery, domain, isVirtualHost: false };
  if (rawPath.length === 1) return { bucket: undefined, key: undefined, ...rest };
  const second = rawPath.indexOf("/", 1);
  const bucket = decodeKeyBytes(second < 0 ? rawPath.slice(1) : rawPath.slice(1, second));
  const key = second < 0 ? undefined : decodeKey(rawPath.slice(second + 1));
  return { bucket, key, ...rest };
}

/** The level a target addresses. */
export function targetLevel(target: Pick<RequestTarget, "bucket" | "key">): OperationLevel {
  if (target.key !== undefined) return "key";
  return target.bucket === undefined ? "service" : "bucket";
}

const slash = 0x2f;
const absoluteForm = /^https?:\/\/[^/?#]*/i;

function originForm(rawUrl: string): string {
  if (rawUrl === "*") return "/";
  const authority = absoluteForm.exec(rawUrl);
  if (authority === null) throw new S3Error("InvalidURI");
  const rest = rawUrl.slice(authority[0].length);
  return rest.startsWith("/") ? rest : `/${rest}`;
}

function normaliseHost(host: string): string {
  if (host.startsWith("[")) return "";
  const colon = host.indexOf(":");
  const name = colon < 0 ? host : host.slice(0, colon);
  return (name.endsWith(".") ? name.slice(0, -1) : name).toLowerCase();
}

function findDomain(hostname: string, domains: readonly string[]): string | undefined {
  let longest: string | undefined;
  if (hostname === "") return longest;
  for (const domain of domains) {
    if (longest !== undefined && domain.length <= longest.length) continue;
    if (isAtOrBelow(hostname, domain)) longest = domain;
  }
  return longest;
}

function isAtOrBelow(hostname: string, domain: string): boolean {
  if (!hostname.endsWith(domain)) return false;
  const before = hostname.length - domain.length - 1;
  return before < 0 || hostname[before] === ".";
}

function decodeKey(rawKey: string): string | undefined {
  return rawKey === "" ? undefined : decodeKeyBytes(rawKey);
}
