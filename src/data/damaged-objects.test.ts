import { expect, test } from "bun:test";
import { S3Error } from "#kernel/s3/s3-error.ts";
import type { ObjectVersion } from "./catalog/catalog.ts";
import { DamagedBytesError } from "./crypto/inline-body.ts";
import { DamagedObjects } from "./damaged-objects.ts";

function version(hlc: number, flags = 1): ObjectVersion {
  return { hlc, flags, sizeBytes: 1, etag: "", versionId: null, detailId: 1, attributes: null, meta: "", body: null };
}

function open() {
  let waiting: (() => void)[] = [];
  const stored = new Map<string, ObjectVersion | Error>();
  const sound = new Set<string>();
  const settled: (string | undefined)[] = [];
  const find = async (key: string) => {
    const found = stored.get(key);
    if (found instanceof Error) throw found;
    return found;
  };
  const objects = new DamagedObjects({
    catalog: {
      findNewest: (_, key) => find(key),
      findVersion: (_, { key, versionId }) => find(`${key} ${versionId}`),
    },
    isSound: async ({ key }) => sound.has(key),
    settle: (_, name) => void settled.push(JSON.parse(name)[1]),
    after: (_, call) => void waiting.push(call),
  });
  const note = (key: string, versionId?: string) => objects.note({ bucketId: "1", key, versionId });
  /** One look, and what it settled. */
  const look = async () => {
    const calls = waiting;
    waiting = [];
    for (const call of calls) call();
    await Bun.sleep(1);
    return settled.splice(0);
  };
  return { stored, sound, note, look, timers: () => waiting.length };
}

test("DamagedObjects: an object is settled when it is replaced, deleted, or its bucket is", async () => {
  const { stored, note, look, timers } = open();
  const changes: readonly (ObjectVersion | Error | undefined)[] = [
    version(2),
    undefined,
    version(2, 3),
    new S3Error("NoSuchBucket"),
  ];
  for (const [index] of changes.entries()) stored.set(`k${index}`, version(1));
  for (const [index] of changes.entries()) note(`k${index}`);
  expect(await look()).toEqual([]);
  for (const [index, change] of changes.entries())
    change ? stored.set(`k${index}`, change) : stored.delete(`k${index}`);
  expect((await look()).sort()).toEqual(["k0", "k1", "k2", "k3"]);
  expect(timers()).toBe(0);
});

test("DamagedObjects: a row that cannot be read is settled when it can, a catalog that cannot says nothing", async () => {
  const { stored, note, look } = open();
  stored.set("row", new DamagedBytesError("crc"));
  stored.set("blob", version(1));
  note("row");
  note("blob");
  stored.set("blob", new Error("SQLITE_BUSY"));
  expect(await look()).toEqual([]);
  stored.set("row", version(2));
  stored.set("blob", version(1));
  expect(await look()).toEqual(["row"]);
});

test("DamagedObjects: one object a look is read again, each in its turn; a version that was named is looked at by its name", async () => {
  const { stored, sound, note, look } = open();
  for (const key of ["a", "b", "c old"]) stored.set(key, version(1));
  note("a");
  note("b");
  note("c", "old");
  stored.set("c", version(2));
  sound.add("b");
  sound.add("c");
  expect(await look()).toEqual([]);
  expect(await look()).toEqual(["b"]);
  expect(await look()).toEqual(["c"]);
});

test("DamagedObjects: no more than 64, and none for ever", async () => {
  const { stored, note, look, timers } = open();
  for (let i = 0; i < 65; i++) stored.set(`k${i}`, version(1));
  for (let i = 0; i < 64; i++) expect(note(`k${i}`)).toBeString();
  expect(note("k64")).toBeUndefined();
  expect(note("k0")).toBeString();
  for (let i = 0; i < 720; i++) await look();
  expect(timers()).toBe(0);
});
