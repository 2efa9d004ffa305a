import { expect, test } from "bun:test";
import { systemRandom } from "../base/random.ts";
import { SpanMaker } from "./span-maker.ts";

const remote = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" };

/** A clock whose 1970 time is whole milliseconds of `1000 + monotonic`. */
function open() {
  const state = { monotonicMs: 0.7, shiftMs: 1_000 };
  const clock = {
    nowMs: () => Math.floor(state.monotonicMs + state.shiftMs),
    monotonicMs: () => state.monotonicMs,
  };
  return { state, maker: new SpanMaker({ clock, random: systemRandom, threadName: "worker 0" }) };
}

test("SpanMaker: a span has an id of its own, its parent's, its thread and its time", () => {
  const { state, maker } = open();
  const outer = maker.begin({ name: "PutObject", kind: "server" }, remote);
  const inner = maker.begin({ name: "CommitMutation", kind: "client" }, outer);
  state.monotonicMs = 5.7;
  expect(inner.end({ isError: true, attributes: { count: 2 } })).toEqual({
    ...{ traceId: remote.traceId, spanId: inner.spanId, parentSpanId: outer.spanId, name: "CommitMutation" },
    ...{ kind: "client", startMs: expect.any(Number), durationMs: 5, isError: true },
    attributes: { "thread.name": "worker 0", count: 2 },
  });
  expect(outer.end()).toMatchObject({ parentSpanId: remote.spanId, isError: false });
  expect([outer.spanId, inner.spanId]).toEqual([
    expect.stringMatching(/^[0-9a-f]{16}$/),
    expect.not.stringMatching(outer.spanId),
  ]);
});

test("SpanMaker: the caller's decision holds; without one, a part of the requests is chosen", () => {
  const { maker } = open();
  const header = `00-${remote.traceId}-${remote.spanId}`;
  expect(maker.choose(`${header}-01`, 0)).toMatchObject(remote);
  expect(maker.choose(`${header}-00`, 100)).toBeUndefined();
  const count = (percent: number, given?: string) =>
    Array.from({ length: 1_000 }, () => maker.choose(given, percent)).filter((each) => each !== undefined).length;
  expect([count(0), count(100), count(100, "nonsense")]).toEqual([0, 1_000, 1_000]);
  expect(count(50)).toBeWithin(300, 700);
  expect(maker.choose(undefined, 100)).toEqual({ traceId: expect.stringMatching(/^[0-9a-f]{32}$/) });
});

test("SpanMaker: times come near the truth, and follow a clock that is set back", () => {
  const { state, maker } = open();
  for (let step = 0; step < 50; step += 1) {
    state.monotonicMs += 0.37;
    maker.toUnixMs(state.monotonicMs);
  }
  expect(Math.abs(maker.toUnixMs(20) - 1_020)).toBeLessThan(0.1);
  state.shiftMs = 500;
  expect(Math.abs(maker.toUnixMs(20) - 520)).toBeLessThan(1);
});
