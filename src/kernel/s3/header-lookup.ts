/** Request headers by lower-case name, as Node's `req.headers` gives them; values are latin1 strings of the raw bytes. */
export type HeaderLookup = Readonly<Record<string, string | string[] | undefined>>;

/**
 * The value of a header, repeated fields joined with `,`; undefined when it was not sent.
 * Source: RFC 9110 section 5.3.
 */
export function readHeader(headers: HeaderLookup, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "object" ? value.join(",") : value;
}
