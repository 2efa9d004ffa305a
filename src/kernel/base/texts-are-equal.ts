import { timingSafeEqual } from "node:crypto";

/** Compares texts, one of them a secret or made with one, in time that tells no more than whether they have one length. */
export function textsAreEqual(seen: string, wanted: string): boolean {
  const [seenBytes, wantedBytes] = [Buffer.from(seen), Buffer.from(wanted)];
  return seenBytes.length === wantedBytes.length && timingSafeEqual(seenBytes, wantedBytes);
}
