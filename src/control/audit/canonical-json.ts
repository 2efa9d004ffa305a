/**
 * The one text of a JSON value: members sorted by the UTF-16 units of their names, no white space, undefined members left out.
 * Reading it back and writing it again gives the same text. Source: RFC 8785 (JSON Canonicalization Scheme).
 * @throws TypeError for what JSON cannot hold, such as a bigint
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => compareUnits(a, b))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`);
  return `{${members.join(",")}}`;
}

function compareUnits(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
