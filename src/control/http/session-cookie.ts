/** Longest `Cookie` header that is looked at, characters. */
const maxHeaderLength = 8192;

/** Which cookie of the console is meant: browsers share cookies between the ports of a host, so each port has a name of its own. */
export interface CookiePlace {
  /** Port that the console listens on. */
  readonly port: number;
  /** The browser speaks TLS. */
  readonly isSecure: boolean;
}

/** The session's id in a request's cookies; undefined when there is none, or more than one. */
export function readSessionCookie(request: Request, place: CookiePlace): string | undefined {
  const header = request.headers.get("cookie") ?? "";
  if (header.length > maxHeaderLength) return undefined;
  const name = cookieName(place);
  const values = header
    .split(";")
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1));
  // Two cookies of one name: somebody planted one of them, and which is not known.
  return values.length === 1 ? values[0] : undefined;
}

/** The `Set-Cookie` of a session's id; an empty id takes the cookie away. Source: RFC 6265bis sections 4.1.2 and 4.1.3.2. */
export function renderSessionCookie(id: string, place: CookiePlace): string {
  const parts = [`${cookieName(place)}=${id}`, "Path=/", "HttpOnly", "SameSite=Strict"];
  if (place.isSecure) parts.push("Secure");
  if (id === "") parts.push("Max-Age=0");
  return parts.join("; ");
}

function cookieName({ port, isSecure }: CookiePlace): string {
  return `${isSecure ? "__Host-" : ""}maxiofs-${port}`;
}
