import type { Disk } from "../blobs/disk.ts";
import { blobPath } from "../blobs/disk-blobs/blob-path.ts";
import type { BlobFooter } from "../blobs/disk-blobs/footer.ts";
import { verifyBlob } from "../blobs/disk-blobs/verify-blob.ts";
import { describeUnreadable } from "../catalog/unreadable.ts";
import type { ChecksumPool, RunningChecksum } from "../checksum/running-checksum.ts";
import { DamagedBytesError } from "../crypto/inline-body.ts";
import { type PartChecksum, parsePartChecksums } from "../multipart/part-checksum.ts";

/** Where blobs are. */
export interface BlobCheckPlace {
  readonly dataDir: string;
  readonly bucketId: string;
  readonly disk: Disk;
  readonly checksums: ChecksumPool;
}

/** One blob as a row names it. */
export interface BlobToCheck {
  readonly blobId: string;
  readonly sizeBytes: number;
  /** Checksums of its plaintext, as extents store them; computed again where bytes are read whole. */
  readonly checksum: string | null;
  /** Undefined when it cannot be had: then only the file's length and the footer are looked at. */
  readonly dataKey: Uint8Array | undefined;
  /** False when another row has the bytes read: then the first segment proves that the key fits. */
  readonly readsAll: boolean;
}

/** What was found. */
export type BlobCheckResult =
  | { readonly kind: "whole"; readonly footer: BlobFooter }
  | { readonly kind: "missing" }
  | { readonly kind: "damaged"; readonly text: string }
  /** Nothing is known of it. */
  | { readonly kind: "unreadable"; readonly text: string };

/** Checks one blob file. A file whose bytes the disk does not give back (EIO) is damaged. */
export async function checkBlob(place: BlobCheckPlace, blob: BlobToCheck): Promise<BlobCheckResult> {
  try {
    return await verify(place, blob);
  } catch (error) {
    if (error instanceof DamagedBytesError) return { kind: "damaged", text: error.message };
    if (!(error instanceof Error && "code" in error)) throw error;
    const text = describeUnreadable(error);
    if (text !== undefined) return { kind: "unreadable", text };
    return error.code === "ENOENT"
      ? { kind: "missing" }
      : { kind: "damaged", text: `it cannot be read (${String(error.code)})` };
  }
}

async function verify(
  { dataDir, bucketId, disk, checksums }: BlobCheckPlace,
  blob: BlobToCheck,
): Promise<BlobCheckResult> {
  const { blobId, sizeBytes, dataKey, readsAll } = blob;
  const path = blobPath(dataDir, bucketId, blobId);
  const wanted = readsAll && dataKey ? parseAll(blob.checksum) : [];
  const running: RunningChecksum[] = [];
  try {
    for (const { algorithm } of wanted) running.push(await checksums.start(algorithm));
    const onPlaintext = (bytes: Uint8Array) => {
      for (const each of running) each.update(bytes);
    };
    const footer = await verifyBlob(disk, path, { blobId, sizeBytes, dataKey, readsAll, onPlaintext });
    for (const [index, { algorithm, value }] of wanted.entries()) {
      if (toBase64(running[index]) !== value)
        return { kind: "damaged", text: `its ${algorithm} is not the stored one` };
    }
    return { kind: "whole", footer };
  } finally {
    for (const each of running) each.release();
  }
}

/** @throws DamagedBytesError when the text is none that was stored. */
function parseAll(text: string | null): readonly PartChecksum[] {
  const parsed = parsePartChecksums(text);
  if (text !== null && parsed.length !== text.split(" ").length)
    throw new DamagedBytesError("its stored checksum cannot be read");
  return parsed;
}

function toBase64(running: RunningChecksum | undefined): string {
  return Buffer.from(running?.digest() ?? []).toString("base64");
}
