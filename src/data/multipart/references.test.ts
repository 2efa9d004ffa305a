import { afterAll, expect, test } from "bun:test";
import type { BucketClient } from "#testing/acceptance/bucket-client.ts";
import {
  createUpload,
  type ListedPart,
  type MultipartUpload,
  minPartBytes,
} from "#testing/acceptance/multipart-upload.ts";
import { seededBytes } from "#testing/acceptance/test-data.ts";
import { type PoolServer, startPoolServer } from "#testing/pool-server.ts";

const keys = ["a", "a/b", "c"];
const steps = 250;
const seed = 20_260_102;

/** The model: what every key must hold, by bucket and key. */
type Model = Map<string, Buffer>;

interface OpenUpload {
  readonly place: string;
  readonly upload: MultipartUpload;
  readonly parts: Map<number, { etag: string; body: Buffer }>;
}

interface Place {
  readonly bucket: BucketClient;
  readonly key: string;
}

interface World {
  readonly buckets: readonly BucketClient[];
  readonly model: Model;
  readonly uploads: OpenUpload[];
  readonly pick: (count: number) => number;
}

let server: PoolServer | undefined;
afterAll(() => server?.remove());

test("blob references: after random puts, copies, appends, overwrites, deletes, aborts and completions every byte is there", async () => {
  server = await startPoolServer({ buckets: { plain: "never", versioned: "enabled" } });
  const world: World = {
    buckets: [server.bucket("plain"), server.bucket("versioned")],
    model: new Map(),
    uploads: [],
    pick: picker(seed),
  };
  for (let step = 0; step < steps; step++) await takeStep(world, step);
  for (const bucket of world.buckets) {
    for (const key of keys) {
      const expected = world.model.get(`${bucket.name}/${key}`);
      const got = await bucket.get(key);
      expect([bucket.name, key, got.status]).toEqual([bucket.name, key, expected === undefined ? 404 : 200]);
      if (expected) expect(got.body.equals(expected)).toBe(true);
    }
  }
  expect(await server.stopAndCheck()).toEqual([]);
}, 120_000);

async function takeStep(world: World, step: number): Promise<void> {
  const { pick, buckets } = world;
  const bucket = buckets[pick(buckets.length)];
  const key = keys[pick(keys.length)] ?? "";
  if (!bucket) return;
  switch (pick(8)) {
    case 0:
    case 1:
      return put(world, { bucket, key }, step);
    case 2:
      return copy(world, bucket, key);
    case 3:
      return append(world, { bucket, key }, step);
    case 4:
      expect((await bucket.delete(key)).status).toBe(204);
      world.model.delete(`${bucket.name}/${key}`);
      return;
    case 5:
      world.uploads.push({ place: `${bucket.name}/${key}`, upload: await createUpload(bucket, key), parts: new Map() });
      return putPart(world, step);
    case 6:
      return putPart(world, step);
    default:
      return endUpload(world);
  }
}

async function put({ model, pick }: World, { bucket, key }: Place, step: number): Promise<void> {
  const body = seededBytes([0, 100, 70_000, 300_000][pick(4)] ?? 0, step);
  expect((await bucket.put(key, body)).status).toBe(200);
  model.set(`${bucket.name}/${key}`, Buffer.from(body));
}

async function copy({ model, pick, buckets }: World, bucket: BucketClient, key: string): Promise<void> {
  const source = `${buckets[pick(buckets.length)]?.name}/${keys[pick(keys.length)]}`;
  const answer = await bucket.put(key, "", { "x-amz-copy-source": source, "x-amz-metadata-directive": "REPLACE" });
  const body = model.get(source);
  expect(answer.status).toBe(body === undefined ? 404 : 200);
  if (body) model.set(`${bucket.name}/${key}`, body);
}

async function append({ model, pick }: World, { bucket, key }: Place, step: number): Promise<void> {
  const place = `${bucket.name}/${key}`;
  const before = model.get(place) ?? Buffer.alloc(0);
  const body = seededBytes([10, 100_000][pick(2)] ?? 0, step);
  const answer = await bucket.put(key, body, { "x-amz-write-offset-bytes": `${before.length}` });
  expect(answer.status).toBe(200);
  model.set(place, Buffer.concat([before, body]));
}

/** The last part may be small; others have the least size. */
async function putPart({ uploads, pick }: World, step: number): Promise<void> {
  const open = uploads[pick(Math.max(1, uploads.length))];
  if (!open) return;
  const number = 1 + pick(3) * 7;
  const body = Buffer.from(seededBytes(number === 15 ? 5_000 : minPartBytes, step));
  const { status, headers } = await open.upload.put(number, body);
  expect(status).toBe(200);
  open.parts.set(number, { etag: headers["etag"] ?? "", body });
}

async function endUpload({ uploads, model, pick }: World): Promise<void> {
  const [open] = uploads.splice(pick(Math.max(1, uploads.length)), 1);
  if (!open) return;
  const listed = [...open.parts].sort(([a], [b]) => a - b).slice(pick(2));
  if (listed.length === 0 || pick(4) === 0) {
    expect((await open.upload.abort()).status).toBe(204);
    return;
  }
  const parts: ListedPart[] = listed.map(([number, { etag }]) => ({ number, etag }));
  expect((await open.upload.complete(parts)).status).toBe(200);
  model.set(open.place, Buffer.concat(listed.map(([, { body }]) => body)));
}

/** Source: G. Marsaglia, "Xorshift RNGs", Journal of Statistical Software 8 (2003). */
function picker(start: number): (count: number) => number {
  let state = start;
  return (count) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % count;
  };
}
