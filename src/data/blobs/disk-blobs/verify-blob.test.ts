import { expect, test } from "bun:test";
import { statSync } from "node:fs";
import { randomBytes } from "#kernel/base/random.ts";
import { ScratchBucket } from "#testing/scratch-bucket.ts";
import { DamagedBytesError } from "../../crypto/inline-body.ts";
import { nodeDisk } from "../disk.ts";
import { blobPath } from "./blob-path.ts";
import { findFooter, verifyBlob } from "./verify-blob.ts";

const facts = { bucketId: "bucket", key: "k", wrappedKey: { version: 1, sealed: "" }, etag: "e" };

test("verifyBlob: gives the footer and the whole plaintext; says what does not fit", async () => {
  const scratch = new ScratchBucket();
  try {
    const dataKey = randomBytes(32);
    const plaintext = randomBytes(70 * 65_536 + 3);
    const { blobId, sizeBytes } = await scratch.writeBlob(plaintext, dataKey, facts);
    const path = blobPath(scratch.dataDir, "bucket", blobId);
    const got: Uint8Array[] = [];
    const expected = {
      blobId,
      sizeBytes,
      dataKey,
      readsAll: true,
      onPlaintext: (bytes: Uint8Array) => void got.push(bytes.slice()),
    };
    expect(await verifyBlob(nodeDisk, path, expected)).toMatchObject({ blobId, sizeBytes, key: "k" });
    expect(Buffer.compare(Buffer.concat(got), plaintext)).toBe(0);
    const wrong = async (change: Partial<typeof expected>) =>
      verifyBlob(nodeDisk, path, { ...expected, ...change }).catch((error: unknown) => error);
    expect(await wrong({ blobId: "0".repeat(32) })).toEqual(new DamagedBytesError("it is another blob"));
    expect(await wrong({ sizeBytes: sizeBytes - 1 })).toBeInstanceOf(DamagedBytesError);
    expect(await wrong({ dataKey: randomBytes(32) })).toEqual(new DamagedBytesError("segment 0 does not authenticate"));
    expect(await wrong({ dataKey: randomBytes(32), readsAll: false })).toBeInstanceOf(DamagedBytesError);
    expect(await findFooter(nodeDisk, path)).toMatchObject({ blobId });
    expect(statSync(path).size).toBeGreaterThan(sizeBytes);
  } finally {
    scratch.remove();
  }
});

test("findFooter: a file that was not written to its end has none", async () => {
  const scratch = new ScratchBucket();
  try {
    const sink = await scratch.blobs.create("bucket", randomBytes(32));
    await sink.write(randomBytes(300_000));
    await sink.write(randomBytes(300_000));
    const path = blobPath(scratch.dataDir, "bucket", sink.blobId);
    expect(await findFooter(nodeDisk, path)).toBeUndefined();
    await sink.abandon();
    expect(findFooter(nodeDisk, path)).rejects.toMatchObject({ code: "ENOENT" });
  } finally {
    scratch.remove();
  }
});
