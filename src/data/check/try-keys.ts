import type { KeyEncryptionKey } from "#kernel/protocol/to-data.ts";
import { listBucketFolders } from "../catalog/sqlite-catalog/bucket-folders.ts";
import { sampleDetails } from "../catalog/sqlite-catalog/sample-details.ts";
import { KeyUnwrapError, keyIdentity, ObjectKeyRing } from "../crypto/object-key-ring.ts";
import { parseObjectMeta } from "../object-meta.ts";

/** Buckets that are looked into, and objects of each. */
const maxBuckets = 100;
const objectsPerBucket = 3;
/** Version of wrapped keys that only the client can open. */
const customerKeyVersion = 0;

/**
 * Tries key-encryption keys on some objects of a data folder; nothing is changed.
 * @param keys at least one; none: nothing is opened.
 */
export async function tryKeys(
  dataDir: string,
  keys: readonly KeyEncryptionKey[],
): Promise<{ readonly openedObjects: number; readonly refusedObjects: number }> {
  const counts = { openedObjects: 0, refusedObjects: 0 };
  if (keys.length === 0) return counts;
  const keyRing = new ObjectKeyRing(keys);
  for (const bucketId of listBucketFolders(dataDir).slice(0, maxBuckets)) {
    for (const { key, meta } of sampleDetails(dataDir, bucketId, objectsPerBucket)) {
      const opens = tryKey(keyRing, keyIdentity(bucketId, key), meta);
      if (opens !== undefined) counts[opens ? "openedObjects" : "refusedObjects"] += 1;
    }
  }
  return counts;
}

/** Undefined for a key that is the client's, and for metadata that cannot be read. */
function tryKey(keyRing: ObjectKeyRing, identity: string, meta: string): boolean | undefined {
  try {
    const wrapped = parseObjectMeta(meta).key;
    if (wrapped.version === customerKeyVersion) return undefined;
    keyRing.unwrap(wrapped, identity);
    return true;
  } catch (error) {
    if (error instanceof KeyUnwrapError) return false;
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined;
    throw error;
  }
}
