import type { KeyEntry } from "../protocol/identities.ts";
import type { NarrowingLayer } from "./evaluate-access.ts";

/** One link of the chain that narrows a credential: policies that count together, by text and by id. Plain data. */
export interface CredentialLink {
  readonly layer: NarrowingLayer;
  /** JSON, as it was accepted. */
  readonly texts: readonly string[];
  /** Of managed policies: what they say now counts. */
  readonly policyIds: readonly string[];
}

/** Links of one chain at most; what it makes copies them. */
export const maxCredentialLinks = 8;

/** What narrows an access key: each of its policies is a link of its own. */
export function linksOfKey({ narrowing }: Pick<KeyEntry, "narrowing">): readonly CredentialLink[] {
  return narrowing.map((text) => ({ layer: "keyPolicy", texts: [text], policyIds: [] }));
}
