/** What `If-Match` or `If-None-Match` names: every object, or these ETags without quotes. Can be cloned between threads. */
export type ETagList = { readonly any: true } | { readonly any: false; readonly etags: readonly string[] };

const listItem = /(?:W\/)?"([^"]*)"|[^\s,]+/g;

/** An ETag as it stands in headers and listings: in double quotes. Takes it without quotes. */
export function quoteETag(etag: string): string {
  return `"${etag}"`;
}

/** An ETag as a client wrote it, without `W/` and quotes, either of which may be missing. */
export function unquoteETag(text: string): string {
  const strong = text.startsWith("W/") ? text.slice(2) : text;
  const start = strong.startsWith('"') ? 1 : 0;
  const end = strong.endsWith('"') && strong.length > start ? strong.length - 1 : strong.length;
  return strong.slice(start, end);
}

/**
 * Parses a list of ETags. Understands `*`, `W/` (compared like a strong tag), missing quotes and lists; an empty header is
 * an empty list, which matches nothing.
 * Source: RFC 9110 sections 8.8.3 and 13.1.1.
 */
export function parseETagList(header: string): ETagList {
  if (header === "*") return { any: true };
  const etags: string[] = [];
  for (const match of header.matchAll(listItem)) {
    if (match[0] === "*") return { any: true };
    etags.push(match[1] ?? unquoteETag(match[0]));
  }
  return { any: false, etags };
}

/** Whether the list names an existing object with this ETag (given without quotes). */
export function matchesETag(list: ETagList, etag: string): boolean {
  return list.any || list.etags.includes(etag);
}
