import { afterEach, expect, test } from "bun:test";
import { FakeClock } from "#testing/fake-clock.ts";
import { LiveFeed, type LiveWish, maxLiveStreams, maxLiveStreamsOfUser } from "./live-feed.ts";

const feeds = new Set<LiveFeed>();
afterEach(() => {
  for (const feed of feeds) feed.close();
  feeds.clear();
});

/** A feed whose meter counts how often it measured and rendered. */
function makeFeed() {
  const clock = new FakeClock();
  const counts = { meters: 0, ticks: 0, reads: 0 };
  const makeMeter = () => {
    counts.meters += 1;
    return {
      tick: () => {
        counts.ticks += 1;
      },
      read: (topic: string) => {
        counts.reads += 1;
        return { topic };
      },
    };
  };
  const feed = new LiveFeed({ clock, makeMeter });
  feeds.add(feed);
  const wish = (change: Partial<LiveWish> = {}): LiveWish => ({
    ...{ userId: "one", tenantId: undefined, topics: ["system"], mayGoOn: async () => true },
    signal: new AbortController().signal,
    ...change,
  });
  return { feed, clock, counts, wish };
}

test.each([
  ["of one user", maxLiveStreamsOfUser, () => "one"],
  ["of all users", maxLiveStreams, (index: number) => `user ${index}`],
])("LiveFeed: %s there are %d streams at most; one that is closed makes room", async (_, count, userOf) => {
  const { feed, wish } = makeFeed();
  const streams = Array.from({ length: count }, (_stream, index) => feed.open(wish({ userId: userOf(index) })));
  const more = () => feed.open(wish({ userId: userOf(count) }));
  expect(more).toThrow("Too many live streams");
  await streams[0]?.cancel();
  more();
  expect(feed.size).toBe(count);
});

test("LiveFeed: a stream ends with its connection, also when nobody reads it", () => {
  const { feed, wish } = makeFeed();
  const connection = new AbortController();
  feed.open(wish({ signal: connection.signal }));
  expect(feed.size).toBe(1);
  connection.abort();
  expect(feed.size).toBe(0);
  feed.open(wish({ signal: connection.signal }));
  expect(feed.size).toBe(0);
});

test("LiveFeed: nothing is measured while nobody listens, and once for all who do", async () => {
  const { feed, counts, wish } = makeFeed();
  feed.tick();
  expect(counts).toEqual({ meters: 0, ticks: 0, reads: 0 });
  const readers = [feed.open(wish()), feed.open(wish()), feed.open(wish({ tenantId: "acme" }))].map((stream) =>
    stream.getReader(),
  );
  const opened = counts.reads;
  for (const reader of readers) await reader.read();
  for (const reader of readers) await reader.read();
  feed.tick();
  expect(counts).toEqual({ meters: 1, ticks: 1, reads: opened + 2 });
  for (const reader of readers) await reader.cancel();
  expect(feed.size).toBe(0);
  feed.tick();
  expect(counts.ticks).toBe(1);
});

test("LiveFeed: who reads slowly misses snapshots and is ended after half a minute; memory does not grow", async () => {
  const { feed, clock, counts, wish } = makeFeed();
  const reader = feed.open(wish()).getReader();
  for (let second = 0; second < 29; second++) {
    clock.advance(1_000);
    feed.tick();
  }
  expect([counts.reads, feed.size]).toEqual([1, 1]);
  clock.advance(1_000);
  feed.tick();
  expect(feed.size).toBe(0);
  await reader.read();
  await reader.read();
  expect((await reader.read()).done).toBe(true);
});

test("LiveFeed: every five seconds a caller is asked for again", async () => {
  const { feed, clock, wish } = makeFeed();
  let asked = 0;
  let may = true;
  const mayGoOn = async () => {
    asked += 1;
    if (!may) throw new Error("the database is gone");
    return may;
  };
  const reader = feed.open(wish({ mayGoOn })).getReader();
  const step = async () => {
    await reader.read();
    clock.advance(2_500);
    feed.tick();
    await Bun.sleep(0);
  };
  await reader.read();
  for (let count = 0; count < 4; count++) await step();
  expect([asked, feed.size]).toEqual([2, 1]);
  may = false;
  await step();
  await step();
  expect([asked, feed.size]).toEqual([3, 0]);
});
