import { ControlError } from "./control-error.ts";

/** The ETag of a revision. */
export function renderEtag(revision: number): string {
  return `"${revision}"`;
}

/**
 * The revision that was read, from `If-Match`; undefined for `*`.
 * @throws ControlError PreconditionRequired, PreconditionFailed
 */
export function parseIfMatch(header: string | null): number | undefined {
  if (header === null) throw new ControlError("PreconditionRequired");
  if (header.trim() === "*") return undefined;
  const [, digits] = /^"(\d{1,15})"$/.exec(header.trim()) ?? [];
  if (digits === undefined) throw new ControlError("PreconditionFailed");
  return Number(digits);
}
