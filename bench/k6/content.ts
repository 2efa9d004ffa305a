/** Bodies that are a function of size and variant, so that every reader knows what must come back. Runs in k6. */
import { sha256 } from "k6/crypto";

/** A body and the SHA-256 of its bytes, hexadecimal. */
export interface Content {
  readonly bytes: ArrayBuffer;
  readonly sha256: string;
}

const blockBytes = 65_536;
/** Sizes up to here are kept by each virtual user, larger ones one at a time: 200 of them share this machine's memory. */
const keptBytes = 1_048_576;
const kept = new Map<string, Content>();
let lastLarge: { name: string; content: Content } | undefined;

/** The body of `size` bytes; two variants, or two sizes, differ in every block of 64 KiB. */
export function contentOf(size: number, variant = 0): Content {
  const name = `${size}-${variant}`;
  const known = kept.get(name) ?? (lastLarge?.name === name ? lastLarge.content : undefined);
  if (known !== undefined) return known;
  const bytes = makeBytes(size, variant);
  const content = { bytes, sha256: sha256(bytes, "hex") };
  if (size <= keptBytes) kept.set(name, content);
  else lastLarge = { name, content };
  return content;
}

/** xorshift32 (Marsaglia 2003) for one block; the others repeat it with their number in front. */
function makeBytes(size: number, variant: number): ArrayBuffer {
  const words = new Uint32Array(Math.min(blockBytes, Math.ceil(size / 4) * 4) / 4);
  let state = (size * 2_654_435_761 + variant * 40_503 + 1) >>> 0 || 1;
  for (let index = 0; index < words.length; index += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[index] = state;
  }
  const block = new Uint8Array(words.buffer);
  const bytes = new Uint8Array(size);
  for (let start = 0, number = 0; start < size; start += blockBytes, number += 1) {
    bytes.set(block.subarray(0, Math.min(blockBytes, size - start)), start);
    if (number > 0 && start + 4 <= size) new DataView(bytes.buffer).setUint32(start, number + variant * 65_536);
  }
  return bytes.buffer;
}
