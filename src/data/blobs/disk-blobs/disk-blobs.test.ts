import { expect, test } from "bun:test";
import fc from "fast-check";
import { randomBytes } from "#kernel/base/random.ts";
import { FaultyDisk, faultyDiskRoot } from "#testing/faulty-disk.ts";
import { segmentBytes } from "../../crypto/blob-cipher.ts";
import { DamagedBytesError } from "../../crypto/inline-body.ts";
import type { BlobFacts } from "../blobs.ts";
import { BufferPool } from "../buffer-pool.ts";
import { blobPath } from "./blob-path.ts";
import { DiskBlobs } from "./disk-blobs.ts";

const facts: BlobFacts = { bucketId: "a", key: "k", wrappedKey: { version: 1, sealed: "" }, etag: "" };
const dataKey = randomBytes(32);
const source = randomBytes(9 * segmentBytes);

async function open(limit = 3) {
  const disk = new FaultyDisk();
  for (const folder of ["buckets", "buckets/a", "buckets/a/blobs", "buckets/b", "buckets/b/blobs"]) {
    await disk.makeFolder(`${faultyDiskRoot}/${folder}`);
  }
  const pool = new BufferPool(limit);
  return { disk, pool, blobs: new DiskBlobs({ disk, pool, dataDir: faultyDiskRoot }) };
}

async function store(blobs: DiskBlobs, plaintext: Uint8Array, splits: readonly number[] = []): Promise<string> {
  const sink = await blobs.create("a", dataKey);
  let at = 0;
  for (const length of [...splits, plaintext.length]) {
    await sink.write(plaintext.subarray(at, at + length));
    at = Math.min(plaintext.length, at + length);
  }
  const { blobId, sizeBytes } = await sink.finish(facts);
  expect(sizeBytes).toBe(plaintext.length);
  return blobId;
}

async function readAll(
  blobs: DiskBlobs,
  options: { blobId: string; sizeBytes: number; start: number; end: number; key?: Uint8Array },
): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  const { key, ...rest } = options;
  for await (const piece of blobs.read({ bucketId: "a", dataKey: key ?? dataKey, ...rest })) pieces.push(piece.slice());
  return Buffer.concat(pieces);
}

const size = fc.oneof(
  fc.nat({ max: 100 }),
  fc.nat({ max: source.length }),
  fc.constantFrom(
    0,
    segmentBytes - 1,
    segmentBytes,
    segmentBytes + 1,
    4 * segmentBytes,
    4 * segmentBytes + 1,
    8 * segmentBytes,
  ),
);

test("DiskBlobs: any size, written in any pieces, reads back equal over any range", async () => {
  await fc.assert(
    fc.asyncProperty(
      size,
      fc.array(size, { maxLength: 6 }),
      fc.array(fc.tuple(size, size), { maxLength: 5 }),
      async (sizeBytes, splits, ranges) => {
        const { blobs, pool, disk } = await open();
        const plaintext = source.subarray(0, sizeBytes);
        const blobId = await store(blobs, plaintext, splits);
        for (const [a, b] of [[0, sizeBytes] as const, ...ranges]) {
          const start = Math.min(a, b, sizeBytes);
          const end = Math.min(Math.max(a, b), sizeBytes);
          expect(
            Buffer.compare(await readAll(blobs, { blobId, sizeBytes, start, end }), plaintext.subarray(start, end)),
          ).toBe(0);
        }
        expect([pool.used, disk.openCount]).toEqual([0, 0]);
      },
    ),
    { numRuns: 60 },
  );
});

test("DiskBlobs: the plaintext is nowhere in the file, and two blobs of the same bytes share none", async () => {
  const { blobs, disk } = await open();
  const plaintext = Buffer.from("a plain sentence ".repeat(100));
  const ids = [await store(blobs, plaintext), await store(blobs, plaintext)];
  const files = await Promise.all(ids.map((id) => readFile(disk, blobPath(faultyDiskRoot, "a", id))));
  expect(files.some((file) => file.includes("plain sentence"))).toBe(false);
  expect(files[0]?.subarray(0, 1_000).equals(files[1]?.subarray(0, 1_000) ?? Buffer.alloc(0))).toBe(false);
});

test("read: no byte of a damaged segment is handed out, those before it are", async () => {
  const sizeBytes = 6 * segmentBytes + 5;
  const plaintext = source.subarray(0, sizeBytes);
  for (const damagedSegment of [0, 3, 4, 6]) {
    const { blobs, disk, pool } = await open();
    const blobId = await store(blobs, plaintext);
    await overwrite(disk, blobPath(faultyDiskRoot, "a", blobId), damagedSegment * segmentBytes + 2);
    const got: Uint8Array[] = [];
    const reading = (async () => {
      for await (const piece of blobs.read({ bucketId: "a", blobId, sizeBytes, dataKey, start: 0, end: sizeBytes }))
        got.push(piece.slice());
    })();
    expect(await reading.catch((error: unknown) => error)).toBeInstanceOf(DamagedBytesError);
    const bytes = Buffer.concat(got);
    expect(bytes.length).toBeLessThanOrEqual(damagedSegment * segmentBytes);
    expect(Buffer.compare(bytes, plaintext.subarray(0, bytes.length))).toBe(0);
    expect([pool.used, disk.openCount]).toEqual([0, 0]);
    const clean = damagedSegment === 0 ? 6 : 0;
    expect(
      (await readAll(blobs, { blobId, sizeBytes, start: clean * segmentBytes, end: clean * segmentBytes + 5 })).length,
    ).toBe(5);
  }
});

test("read: a blob that is not there is damage of one object, and takes no buffer", async () => {
  const { blobs, disk, pool } = await open();
  const reading = readAll(blobs, { blobId: "0".repeat(32), sizeBytes: 5, start: 0, end: 5 });
  expect(await reading.catch((error: unknown) => error)).toEqual(
    new DamagedBytesError(`Blob ${"0".repeat(32)} is missing`),
  );
  expect([pool.used, disk.openCount]).toEqual([0, 0]);
});

test("read: another key, another size, a cut file and bytes of another blob are refused", async () => {
  const { blobs, disk } = await open();
  const sizeBytes = 2 * segmentBytes;
  const one = await store(blobs, source.subarray(0, sizeBytes));
  const two = await store(blobs, source.subarray(0, sizeBytes));
  const whole = { blobId: one, sizeBytes, start: 0, end: sizeBytes };
  const refused = async (change: Partial<Parameters<typeof readAll>[1]>) =>
    expect(await readAll(blobs, { ...whole, ...change }).catch((error: unknown) => error)).toBeInstanceOf(
      DamagedBytesError,
    );
  await refused({ key: randomBytes(32) });
  await refused({ sizeBytes: segmentBytes, end: segmentBytes });
  await refused({ sizeBytes: sizeBytes + 1, end: sizeBytes + 1 });
  const path = blobPath(faultyDiskRoot, "a", one);
  const other = await readFile(disk, blobPath(faultyDiskRoot, "a", two));
  await disk.remove(path);
  await writeFile(disk, path, other);
  await refused({});
  await disk.remove(path);
  await writeFile(disk, path, other.subarray(0, sizeBytes + 5));
  await refused({});
});

test("read: a reader that stops early gives its buffer and its file back", async () => {
  const { blobs, pool, disk } = await open();
  const blobId = await store(blobs, source);
  const reading = blobs.read({
    bucketId: "a",
    blobId,
    sizeBytes: source.length,
    dataKey,
    start: 0,
    end: source.length,
  });
  await reading.next();
  expect(pool.used).toBe(1);
  await reading.return();
  expect([pool.used, disk.openCount]).toEqual([0, 0]);
});

test("abandon: leaves neither file nor buffer, at any moment and while a write waits", async () => {
  for (const written of [0, 10, 4 * segmentBytes, 9 * segmentBytes]) {
    const { blobs, pool, disk } = await open();
    const sink = await blobs.create("a", dataKey);
    await sink.write(source.subarray(0, written));
    await sink.abandon();
    expect([disk.paths(), pool.used, disk.openCount]).toEqual([[], 0, 0]);
  }
});

test("abandon: a write that still waits for a buffer ends and keeps none", async () => {
  const { blobs, pool, disk } = await open(1);
  const held = await pool.acquire();
  const sink = await blobs.create("a", dataKey);
  const writing = sink.write(source.subarray(0, 10));
  await sink.abandon();
  pool.release(held);
  await writing;
  expect([disk.paths(), pool.used, disk.openCount]).toEqual([[], 0, 0]);
});

test("abandon: in the middle of a long write no buffer is given back twice", async () => {
  for (let ticks = 0; ticks < 12; ticks++) {
    const { blobs, pool } = await open(4);
    const sink = await blobs.create("a", dataKey);
    const writing = Promise.resolve(sink.write(source)).catch(() => {});
    for (let i = 0; i < ticks; i++) await Promise.resolve();
    await Promise.all([sink.abandon(), writing]);
    const held = new Set<Uint8Array>();
    for (let i = 0; i < 4; i++) held.add(await pool.acquire());
    expect([ticks, held.size, pool.used]).toEqual([ticks, 4, 4]);
  }
});

test("abandon: after finish it removes the blob and touches no other file", async () => {
  const { blobs, disk } = await open();
  const sink = await blobs.create("a", dataKey);
  await sink.write(source.subarray(0, 10));
  await sink.finish(facts);
  const other = await store(blobs, source.subarray(0, 20));
  await sink.abandon();
  expect(disk.paths()).toEqual([blobPath(faultyDiskRoot, "a", other)]);
  expect((await readAll(blobs, { blobId: other, sizeBytes: 20, start: 0, end: 20 })).length).toBe(20);
});

test("finish: what it promised survives power loss", async () => {
  const { blobs, disk } = await open();
  for (const folder of ["", "/buckets", "/buckets/a", "/buckets/a/blobs"])
    await disk.syncFolder(`${faultyDiskRoot}${folder}`);
  const blobId = await store(blobs, source);
  const left = await disk.crash();
  const again = new DiskBlobs({ disk: left, pool: new BufferPool(1), dataDir: faultyDiskRoot });
  expect(
    Buffer.compare(await readAll(again, { blobId, sizeBytes: source.length, start: 0, end: source.length }), source),
  ).toBe(0);
});

test("linkTo: the target reads the same bytes, also when linked twice and after the source is gone", async () => {
  const { blobs, disk } = await open();
  const blobId = await store(blobs, source.subarray(0, 100));
  await blobs.linkTo("a", blobId, "b");
  await blobs.linkTo("a", blobId, "b");
  await disk.remove(blobPath(faultyDiskRoot, "a", blobId));
  const pieces: Uint8Array[] = [];
  for await (const piece of blobs.read({ bucketId: "b", blobId, sizeBytes: 100, dataKey, start: 0, end: 100 }))
    pieces.push(piece.slice());
  expect(Buffer.compare(Buffer.concat(pieces), source.subarray(0, 100))).toBe(0);
  expect(blobs.linkTo("a", blobId, "b")).rejects.toMatchObject({ code: "ENOENT" });
});

async function readFile(disk: FaultyDisk, path: string): Promise<Buffer> {
  const file = await disk.openToRead(path);
  const bytes = Buffer.alloc(await disk.sizeOf(path));
  await file.read(bytes, 0);
  await file.close();
  return bytes;
}

async function writeFile(disk: FaultyDisk, path: string, bytes: Uint8Array): Promise<void> {
  const file = await disk.create(path);
  await file.write(bytes, 0);
  await file.close();
}

async function overwrite(disk: FaultyDisk, path: string, position: number): Promise<void> {
  const bytes = await readFile(disk, path);
  bytes[position] = (bytes[position] ?? 0) ^ 1;
  await disk.remove(path);
  await writeFile(disk, path, bytes);
}

test("DiskBlobs: long reads take turns where there are fewer buffers than reads", async () => {
  const { blobs, pool } = await open(1);
  const sizeBytes = source.length;
  const blobId = await store(blobs, source);
  const order: string[] = [];
  const read = async (name: string) => {
    const pieces: Uint8Array[] = [];
    for await (const piece of blobs.read({ bucketId: "a", dataKey, blobId, sizeBytes, start: 0, end: sizeBytes })) {
      order.push(name);
      pieces.push(piece.slice());
    }
    return Buffer.concat(pieces);
  };
  const [a, b] = await Promise.all([read("a"), read("b")]);
  expect([a.equals(source), b.equals(source), order.join("")]).toEqual([true, true, "ababab"]);
  expect(pool.used).toBe(0);
});
