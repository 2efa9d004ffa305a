import { expect, test } from "bun:test";
import fc from "fast-check";
import type { KeyEntry } from "#kernel/protocol/identities.ts";
import type { BucketEntry, SnapshotChange } from "#kernel/protocol/snapshot.ts";
import { testDataSettings } from "#testing/data-settings.ts";
import { entriesWith, testKey } from "#testing/identities.ts";
import { harnessBucket } from "#testing/request-harness.ts";
import { SnapshotStore } from "./snapshot-store.ts";

const settings = testDataSettings;

function makeKey(accessKeyId: string, change: Partial<KeyEntry> = {}): KeyEntry {
  return { ...testKey, accessKeyId, ...change };
}

function makeBucket(bucketId: string, name: string): BucketEntry {
  return { ...harnessBucket, bucketId, name };
}

test("SnapshotStore: only enabled keys are found, buckets by name", () => {
  const keys = [makeKey("A"), makeKey("B", { enabled: false })];
  const store = new SnapshotStore({
    number: 3,
    entries: entriesWith({ key: keys, bucket: [makeBucket("1", "one")] }),
    settings,
  });
  expect([store.number, store.findKey("A", 0)?.accessKeyId, store.findKey("B", 0), store.findKey("C", 0)]).toEqual([
    3,
    "A",
    undefined,
    undefined,
  ]);
  expect([store.findBucket("one")?.bucketId, store.findBucket("two")]).toEqual(["1", undefined]);
});

test("apply: the next number changes the state, every other number is refused and changes nothing", () => {
  const store = new SnapshotStore({ number: 1, entries: entriesWith(), settings });
  const changes: SnapshotChange[] = [{ kind: "key", id: "A", value: makeKey("A") }];
  for (const number of [0, 1, 3]) expect(store.apply({ number, changes })).toBe(false);
  expect([store.findKey("A", 0), store.apply({ number: 2, changes }), store.findKey("A", 0)?.accessKeyId]).toEqual([
    undefined,
    true,
    "A",
  ]);
  expect(store.apply({ number: 3, changes: [{ kind: "key", id: "A", value: null }] })).toBe(true);
  expect(store.findKey("A", 0)).toBeUndefined();
  const changed = { ...settings, "s3.region": "eu-central-1" };
  store.apply({ number: 4, changes: [{ kind: "settings", id: "settings", value: changed }] });
  expect(store.settings["s3.region"]).toBe("eu-central-1");
});

test("apply: a name that another bucket has taken stays with it when the first one goes", () => {
  const store = new SnapshotStore({ number: 1, entries: entriesWith({ bucket: [makeBucket("1", "name")] }), settings });
  store.apply({ number: 2, changes: [{ kind: "bucket", id: "2", value: makeBucket("2", "name") }] });
  store.apply({ number: 3, changes: [{ kind: "bucket", id: "1", value: null }] });
  expect(store.findBucket("name")?.bucketId).toBe("2");
});

test("SnapshotStore: deltas one by one end in the state of the full snapshot", () => {
  const change = fc.record({
    id: fc.constantFrom("1", "2", "3"),
    name: fc.option(fc.constantFrom("a", "b", "c", "d"), { nil: null }),
  });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 20 }), (steps) => {
      const store = new SnapshotStore({ number: 0, entries: entriesWith(), settings });
      const wanted = new Map<string, string>();
      for (const [index, { id, name }] of steps.entries()) {
        if (name !== null && [...wanted].some(([other, taken]) => taken === name && other !== id)) {
          store.apply({ number: index + 1, changes: [] });
          continue;
        }
        if (name === null) wanted.delete(id);
        else wanted.set(id, name);
        store.apply({
          number: index + 1,
          changes: [{ kind: "bucket", id, value: name === null ? null : makeBucket(id, name) }],
        });
      }
      const listed = new Map([...store.buckets()].map((bucket) => [bucket.bucketId, bucket.name]));
      expect(listed).toEqual(wanted);
      for (const name of ["a", "b", "c", "d"]) {
        const id = [...wanted].find(([, taken]) => taken === name)?.[0];
        expect([name, store.findBucket(name)?.bucketId]).toEqual([name, id]);
      }
    }),
  );
});

test("SnapshotStore: each bucket that a delta or a snapshot takes away is told, renamed ones are not", () => {
  const deleted: string[] = [];
  const buckets = [makeBucket("1", "one"), makeBucket("2", "two"), makeBucket("3", "three")];
  const store = new SnapshotStore({ number: 1, entries: entriesWith({ bucket: buckets }), settings }, (bucketId) =>
    deleted.push(bucketId),
  );
  store.apply({ number: 2, changes: [{ kind: "bucket", id: "1", value: makeBucket("1", "renamed") }] });
  store.apply({ number: 3, changes: [{ kind: "bucket", id: "2", value: null }] });
  expect(deleted).toEqual(["2"]);
  store.replace({
    number: 9,
    entries: entriesWith({ bucket: [makeBucket("1", "one"), makeBucket("4", "four")] }),
    settings,
  });
  expect(deleted).toEqual(["2", "3"]);
});
