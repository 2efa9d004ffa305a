import { expect, test } from "bun:test";
import fc from "fast-check";
import { ChangeSlots, createChangeTable } from "./change-slots.ts";
import { ObjectCache, type RememberedObject } from "./object-cache.ts";

/** Of one entry, as the cache estimates it. */
const entryBytes = 2_536;
const maxEntries = 20;

function makeObject(name: string): RememberedObject {
  const version = { hlc: 1, flags: 0, sizeBytes: 1_000, etag: name, versionId: null, detailId: 1, attributes: null };
  const meta = {
    headers: {},
    user: [],
    storageClass: "STANDARD",
    checksum: null,
    key: { version: 1, sealed: "" },
  } as const;
  return { version: { ...version, meta: "", body: null }, meta, plaintext: new Uint8Array(1_000) };
}

function makeCache(): { readonly cache: ObjectCache; readonly slots: ChangeSlots } {
  const slots = new ChangeSlots(createChangeTable());
  return { cache: new ObjectCache(slots, maxEntries * entryBytes), slots };
}

function remember(cache: ObjectCache, key: string): void {
  cache.remember(cache.open("bucket", key), makeObject(key));
}

function find(cache: ObjectCache, key: string): string | undefined {
  return cache.find(cache.open("bucket", key))?.version.etag;
}

test("ObjectCache: what was used since it was looked at stays, the oldest that was not goes", () => {
  const { cache } = makeCache();
  for (let i = 0; i < maxEntries; i++) remember(cache, `${i}`);
  expect(cache.bytes).toBe(maxEntries * entryBytes);
  expect(find(cache, "0")).toBe("0");
  remember(cache, "new");
  expect(cache.bytes).toBe(maxEntries * entryBytes);
  expect(["0", "1", "2", "new"].map((key) => find(cache, key))).toEqual(["0", undefined, "2", "new"]);
});

test("ObjectCache: nothing is served after a commit to its key, nor remembered while one is under way", () => {
  const { cache, slots } = makeCache();
  const slot = [ChangeSlots.slotOf("bucket", "key")];
  remember(cache, "key");
  slots.advance(slot);
  expect(find(cache, "key")).toBeUndefined();
  remember(cache, "key");
  expect(cache.bytes).toBe(0);
  slots.advance(slot);
  expect(find(cache, "key")).toBeUndefined();
});

test("ObjectCache: evicts as a queue with a second chance does, whatever is asked for and replaced", () => {
  const step = fc.record({ key: fc.integer({ min: 0, max: 60 }), isWrite: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const { cache } = makeCache();
      let queue: { key: string; used: boolean }[] = [];
      for (const { key, isWrite } of steps.map((each) => ({ ...each, key: `${each.key}` }))) {
        const known = queue.find((each) => each.key === key);
        if (!isWrite) {
          expect(find(cache, key)).toBe(known && key);
          if (known) known.used = true;
          continue;
        }
        remember(cache, key);
        queue = [...queue.filter((each) => each !== known), { key, used: false }];
        while (queue.length > maxEntries) {
          const [oldest] = queue.splice(0, 1);
          if (oldest?.used) queue.push({ key: oldest.key, used: false });
        }
        expect(cache.bytes).toBe(queue.length * entryBytes);
      }
    }),
  );
});
