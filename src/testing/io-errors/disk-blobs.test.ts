import { expect, test } from "bun:test";
import { dirname } from "node:path";
import type { Blobs } from "#data/blobs/blobs.ts";
import { BufferPool } from "#data/blobs/buffer-pool.ts";
import { DiskBlobs } from "#data/blobs/disk-blobs/disk-blobs.ts";
import { seededBytes } from "../acceptance/test-data.ts";
import { FaultyDisk, faultyDiskRoot } from "../faulty-disk.ts";

const bucketIds = ["bucket1", "bucket2"] as const;
const dataKey = seededBytes(32, 1);
const facts = { bucketId: bucketIds[0], key: "k", wrappedKey: { version: 1, sealed: "s" }, etag: "e" };
const sizes = [0, 1, 65_536, 300_000, 530_001];
const maxCalls = 200;

interface Store {
  readonly disk: FaultyDisk;
  readonly pool: BufferPool;
  readonly blobs: Blobs;
}

async function openStore(disk = new FaultyDisk()): Promise<Store> {
  const pool = new BufferPool(4);
  const folders = ["/buckets", ...bucketIds.flatMap((id) => [`/buckets/${id}`, `/buckets/${id}/blobs`])];
  for (const folder of folders) {
    await disk.makeFolder(`${faultyDiskRoot}${folder}`);
    await disk.syncFolder(dirname(`${faultyDiskRoot}${folder}`));
  }
  return { disk, pool, blobs: new DiskBlobs({ disk, pool, dataDir: faultyDiskRoot }) };
}

async function writeBlob({ blobs }: Store, body: Uint8Array): Promise<string> {
  const sink = await blobs.create(bucketIds[0], dataKey);
  try {
    for (let at = 0; at < body.length; at += 100_000) await sink.write(body.subarray(at, at + 100_000));
    return (await sink.finish(facts)).blobId;
  } catch (error) {
    await sink.abandon();
    throw error;
  }
}

async function readBlob(
  { blobs }: Store,
  blobId: string,
  options: { sizeBytes: number; bucketId?: string },
): Promise<Buffer> {
  const { sizeBytes, bucketId = bucketIds[0] } = options;
  const pieces: Buffer[] = [];
  for await (const piece of blobs.read({ bucketId, blobId, sizeBytes, dataKey, start: 0, end: sizeBytes })) {
    pieces.push(Buffer.from(piece));
  }
  return Buffer.concat(pieces);
}

/** Runs `work` with its first, second, third ... call failing until none fails any more. `check` looks at the store after each. */
async function failEachCall(
  work: (store: Store) => Promise<void>,
  check: (store: Store, error: unknown) => Promise<void>,
): Promise<number> {
  for (let callNumber = 1; callNumber <= maxCalls; callNumber++) {
    for (const code of ["EIO", "ENOSPC"] as const) {
      const store = await openStore();
      const before = await writeBlob(store, seededBytes(70_000, 2));
      store.disk.setFault({ callNumber, code });
      const error = await work(store).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      const { hasFailed } = store.disk;
      store.disk.setFault(undefined);
      await check(store, error);
      expect(store.pool.used).toBe(0);
      expect(store.disk.openCount).toBe(0);
      const after = await openStore(await store.disk.crash());
      expect(await readBlob(after, before, { sizeBytes: 70_000 })).toEqual(seededBytes(70_000, 2));
      if (!hasFailed) return callNumber;
    }
  }
  throw new Error(`After ${maxCalls} calls there is still one that fails`);
}

test.each(sizes)(
  "DiskBlobs.create: a blob of %d bytes is whole after a power loss or failed, whichever call fails",
  async (sizeBytes) => {
    const body = seededBytes(sizeBytes, 3);
    let written: string | undefined;
    const rounds = await failEachCall(
      async (store) => {
        written = undefined;
        written = await writeBlob(store, body);
      },
      async (store, error) => {
        expect(error === undefined).toBe(written !== undefined);
        if (error !== undefined) expect(error).toMatchObject({ code: expect.stringMatching(/EIO|ENOSPC/) });
        const again = await writeBlob(store, body);
        const after = await openStore(await store.disk.crash());
        for (const blobId of [written, again]) {
          if (blobId !== undefined) expect(await readBlob(after, blobId, { sizeBytes })).toEqual(body);
        }
      },
    );
    expect(rounds).toBeGreaterThan(5);
  },
);

test("DiskBlobs.read: gives right bytes or fails, whichever call fails", async () => {
  const store = await openStore();
  const body = seededBytes(600_000, 4);
  const blobId = await writeBlob(store, body);
  for (let callNumber = 1; ; callNumber++) {
    store.disk.setFault({ callNumber, code: "EIO" });
    const seen = await readBlob(store, blobId, { sizeBytes: body.length }).catch((error: unknown) => error);
    if (!store.disk.hasFailed) {
      expect(seen).toEqual(body);
      break;
    }
    expect(seen).toMatchObject({ code: "EIO" });
    expect(store.pool.used).toBe(0);
    expect(store.disk.openCount).toBe(0);
  }
});

test("DiskBlobs.linkTo: the shared blob is durable in the other bucket or the call failed", async () => {
  const body = seededBytes(80_000, 5);
  let shared: string | undefined;
  await failEachCall(
    async (store) => {
      shared = undefined;
      const blobId = await writeBlob(store, body);
      await store.blobs.linkTo(bucketIds[0], blobId, bucketIds[1]);
      shared = blobId;
    },
    async (store, error) => {
      expect(error === undefined).toBe(shared !== undefined);
      if (shared === undefined) return;
      const after = await openStore(await store.disk.crash());
      expect(await readBlob(after, shared, { sizeBytes: body.length, bucketId: bucketIds[1] })).toEqual(body);
    },
  );
});
