import { isTrustedProxy } from "#kernel/policy/client-address.ts";
import { getRequestContext } from "./request-context.ts";

/** Settings that say where the console is. */
export interface ConsolePlace {
  /** URL under which people open the console; empty when it is not known. */
  readonly publicUrl: string;
  /** Addresses or CIDR ranges. */
  readonly trustedProxies: readonly string[];
}

/**
 * Whether a request was made by a page of the console: its `Origin` is the public URL's, or has the request's own Host. A foreign
 * page cannot choose either, and a browser sends the header with everything that changes something.
 * Source: RFC 6454; OWASP Cross-Site Request Forgery Prevention Cheat Sheet.
 */
export function isOwnOrigin(request: Request, { publicUrl }: ConsolePlace): boolean {
  const origin = parseUrl(request.headers.get("origin") ?? "");
  if (origin === undefined || !/^https?:$/.test(origin.protocol)) return false;
  const known = parseUrl(publicUrl);
  if (known?.origin === origin.origin) return true;
  const host = request.headers.get("host")?.toLowerCase();
  // At the public URL's own Host the scheme is known too: a page that came without TLS is foreign to a console that has it.
  if (known !== undefined && isHostOf(host, known)) return false;
  return isHostOf(host, origin);
}

/** Whether the browser speaks TLS: the console is public under `https:` at this Host, or a trusted proxy says so. */
export function isSecureRequest(request: Request, place: ConsolePlace): boolean {
  const publicUrl = parseUrl(place.publicUrl);
  const host = request.headers.get("host")?.toLowerCase();
  if (publicUrl?.protocol === "https:" && isHostOf(host, publicUrl)) return true;
  return isOverTls(request, place);
}

/** Whether a trusted proxy says that a request came over TLS; nothing that its client chooses does. */
export function isOverTls(request: Request, { trustedProxies }: Pick<ConsolePlace, "trustedProxies">): boolean {
  const { peerAddress } = getRequestContext(request);
  return isTrustedProxy(peerAddress, trustedProxies) && request.headers.get("x-forwarded-proto") === "https";
}

/** Browsers leave the usual port out, proxies may put it in. */
function isHostOf(host: string | undefined, { protocol, host: asWritten, hostname, port }: URL): boolean {
  const usual = protocol === "https:" ? "443" : "80";
  return host === asWritten || host === `${hostname}:${port === "" ? usual : port}`;
}

function parseUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}
