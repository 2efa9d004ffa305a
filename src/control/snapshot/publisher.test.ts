import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Snapshot, SnapshotChange } from "#kernel/protocol/snapshot.ts";
import type { ToData } from "#kernel/protocol/to-data.ts";
import { testDataSettings } from "#testing/data-settings.ts";
import { entriesWith } from "#testing/identities.ts";
import { SnapshotPublisher } from "./publisher.ts";
import type { WorkerChannel } from "./worker-channel.ts";

const settings = testDataSettings;

interface Recorder extends WorkerChannel {
  readonly received: ToData[];
}

function makeChannel(name = "worker"): Recorder {
  const received: ToData[] = [];
  return { name, received, send: (message) => void received.push(message) };
}

function makePublisher(endSilentWorker: (channel: WorkerChannel) => Promise<void> = () => Promise.resolve()) {
  return new SnapshotPublisher({
    entries: entriesWith(),
    settings,
    endSilentWorker,
    silentAfterMs: 20,
    startWithinMs: 60,
  });
}

function settingsChange(region: string): SnapshotChange {
  return { kind: "settings", id: "settings", value: { ...settings, "s3.region": region } };
}

async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  await Bun.sleep(0);
  return Bun.peek.status(promise) === "fulfilled";
}

test("publish: resolves when every worker has acknowledged", async () => {
  const publisher = makePublisher();
  const [one, two] = [makeChannel(), makeChannel()];
  expect(publisher.attach(one).number).toBe(1);
  publisher.attach(two);
  for (const channel of [one, two]) publisher.acknowledge(channel, 1);
  const published = publisher.publish([settingsChange("a")]);
  expect(one.received).toEqual([{ kind: "delta", delta: { number: 2, changes: [settingsChange("a")] } }]);
  publisher.acknowledge(one, 2);
  expect(publisher.lag).toBe(1);
  const current = publisher.whenCurrent();
  expect(await isSettled(published)).toBe(false);
  expect(await isSettled(current)).toBe(false);
  publisher.acknowledge(two, 2);
  expect(await published).toBe(2);
  expect(publisher.lag).toBe(0);
  await current;
});

test("publish: without workers resolves at once; who comes later gets it with the snapshot", async () => {
  const publisher = makePublisher();
  expect(await publisher.publish([settingsChange("b")])).toBe(2);
  expect(publisher.attach(makeChannel())).toMatchObject({ number: 2, settings: { "s3.region": "b" } });
});

test("publish: one acknowledgement covers earlier numbers; unknown and old ones change nothing", async () => {
  const publisher = makePublisher();
  const channel = makeChannel();
  publisher.attach(channel);
  const published = [publisher.publish([]), publisher.publish([])];
  publisher.acknowledge(makeChannel(), 99);
  publisher.acknowledge(channel, 1);
  expect(await isSettled(Promise.race(published))).toBe(false);
  publisher.acknowledge(channel, 3);
  expect(await Promise.all(published)).toEqual([2, 3]);
});

test("publish: a worker that ends is waited for no more", async () => {
  const publisher = makePublisher();
  const channel = makeChannel();
  publisher.attach(channel);
  const published = publisher.publish([]);
  publisher.detach(channel);
  publisher.detach(channel);
  expect(await published).toBe(2);
});

test("publish: a silent worker is reported, and the answer waits until it is ended", async () => {
  const ended = Promise.withResolvers<void>();
  const reported: string[] = [];
  const publisher = makePublisher((channel) => {
    reported.push(channel.name);
    return ended.promise;
  });
  const [good, silent] = [makeChannel("good"), makeChannel("silent")];
  for (const channel of [good, silent]) {
    publisher.attach(channel);
    publisher.acknowledge(channel, 1);
  }
  const published = publisher.publish([]);
  publisher.acknowledge(good, 2);
  await Bun.sleep(160);
  expect(reported).toEqual(["silent"]);
  expect(await isSettled(published)).toBe(false);
  ended.resolve();
  expect(await published).toBe(2);
});

test("publish: what is read just after a worker's time is over counts: perhaps nobody listened before", async () => {
  const reported: string[] = [];
  const publisher = makePublisher(async ({ name }) => void reported.push(name));
  const channel = makeChannel();
  publisher.attach(channel);
  publisher.acknowledge(channel, 1);
  const published = publisher.publish([settingsChange("a")]);
  setTimeout(() => publisher.acknowledge(channel, 2), 50);
  expect(await published).toBe(2);
  await Bun.sleep(150);
  expect(reported).toEqual([]);
});

test("publish: a starting worker has more time", async () => {
  const reported: string[] = [];
  const publisher = makePublisher(async (channel) => void reported.push(channel.name));
  const [starting, hanging] = [makeChannel("starting"), makeChannel("hanging")];
  publisher.attach(starting);
  publisher.attach(hanging);
  const published = publisher.publish([]);
  await Bun.sleep(35);
  expect(reported).toEqual([]);
  publisher.acknowledge(starting, 2);
  expect(await published).toBe(2);
  expect(reported).toEqual(["hanging"]);
});

test("resync: sends the whole state", async () => {
  const publisher = makePublisher();
  const channel = makeChannel();
  publisher.attach(channel);
  publisher.resync(channel);
  publisher.resync(makeChannel());
  expect(channel.received).toEqual([{ kind: "snapshot", snapshot: publisher.snapshot() }]);
});

test("publish: snapshot plus deltas give the publisher's own state", () => {
  const bucket = (id: string, name: string) => ({
    bucketId: id,
    name,
    tenantId: "t",
    accountId: "1",
    ownerCanonicalId: "c",
    ownerDisplayName: "d",
    region: "r",
    createdAtMs: 0,
    versioning: "never" as const,
    tags: [],
    quota: {},
  });
  const change = fc
    .tuple(fc.constantFrom("1", "2", "3"), fc.option(fc.string()))
    .map(([id, name]): SnapshotChange => ({ kind: "bucket", id, value: name === null ? null : bucket(id, name) }));
  fc.assert(
    fc.property(fc.array(fc.array(change)), fc.nat(10), (publications, attachAt) => {
      const publisher = makePublisher();
      const channel = makeChannel();
      let state: Snapshot | undefined;
      for (const [index, changes] of publications.entries()) {
        if (index === attachAt) state = publisher.attach(channel);
        void publisher.publish(changes);
      }
      const buckets = new Map(state?.entries.bucket.map((entry) => [entry.bucketId, entry]));
      for (const message of channel.received) {
        for (const { id, value } of message.kind === "delta" ? message.delta.changes : []) {
          if (value === null) buckets.delete(id);
          else if ("bucketId" in value) buckets.set(id, value);
        }
      }
      publisher.detach(channel);
      if (state !== undefined) expect(new Map(publisher.buckets)).toEqual(buckets);
    }),
  );
});
