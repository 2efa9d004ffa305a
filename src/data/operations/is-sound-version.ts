import type { ObjectVersion } from "../catalog/catalog.ts";
import { keyIdentity } from "../crypto/object-key-ring.ts";
import type { DataPlane } from "../data-plane.ts";
import { parseObjectMeta } from "../object-meta.ts";
import { readVersion } from "./read-version.ts";

/** Larger ones are left to `maxiofs check`: clients need the disk. */
const maxReadBytes = 64 * 2 ** 20;

/**
 * Whether all bytes of a version are what was stored. False for those above 64 MiB, and under a client's key: they are not read.
 * @param version with its body
 */
export async function isSoundVersion(
  plane: DataPlane,
  { bucketId, key }: { readonly bucketId: string; readonly key: string },
  version: ObjectVersion,
): Promise<boolean> {
  if (version.sizeBytes > maxReadBytes) return false;
  try {
    const meta = parseObjectMeta(version.meta);
    if (meta.customerKeyMd5 !== undefined) return false;
    const dataKey = plane.keyRing.unwrap(meta.key, keyIdentity(bucketId, key));
    const range = { start: 0, end: version.sizeBytes };
    for await (const piece of readVersion(plane, { bucketId, version, dataKey, range })) void piece;
    return true;
  } catch {
    // Whatever it is, a client that asks for the object meets it too, and it is told then.
    return false;
  }
}
