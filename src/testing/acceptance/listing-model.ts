/** What a listing is asked for. Texts are compared by their UTF-8 bytes. */
export interface ListingQuery {
  readonly prefix: string;
  /** "" is none. */
  readonly delimiter: string;
  /** Only what is greater is listed; "" is the beginning. */
  readonly after: string;
}

/** Sorts texts by their UTF-8 bytes, as S3 orders keys. */
export function sortKeys(keys: readonly string[]): string[] {
  return keys.toSorted(compareKeys);
}

/** Compares texts by their UTF-8 bytes. */
export function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/**
 * Keys and common prefixes a listing must name over all its pages, each once and in order.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-prefixes.html
 */
export function listModel(keys: readonly string[], { prefix, delimiter, after }: ListingQuery): string[] {
  const entries = new Set<string>();
  for (const key of sortKeys(keys)) {
    if (!key.startsWith(prefix)) continue;
    const end = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
    const entry = end < 0 ? key : key.slice(0, end + delimiter.length);
    if (after === "" || compareKeys(entry, after) > 0) entries.add(entry);
  }
  return [...entries];
}
