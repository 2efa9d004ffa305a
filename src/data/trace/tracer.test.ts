import { expect, test } from "bun:test";
import { systemRandom } from "#kernel/base/random.ts";
import type { Span } from "#kernel/trace/span.ts";
import { SpanMaker } from "#kernel/trace/span-maker.ts";
import { FakeClock } from "#testing/fake-clock.ts";
import { maxSpansPerMessage, SpanOutbox } from "./span-outbox.ts";
import { maxActiveTraces, Tracer } from "./tracer.ts";

const unasked = { headers: {} };

function open() {
  const spans: Span[] = [];
  const settings = { "tracing.enabled": true, "tracing.sample_percent": 100 };
  const tracer = new Tracer({
    settings: () => settings,
    maker: new SpanMaker({ clock: new FakeClock(), random: systemRandom, threadName: "worker 0" }),
    take: (span) => void spans.push(span),
  });
  return { spans, settings, tracer };
}

const describe = () => ({ name: "PutObject", isError: false, attributes: { status: 200, code: undefined } });

test("Tracer: a request and its part are spans of one trace", () => {
  const { spans, tracer } = open();
  tracer.begin("request", unasked);
  const part = tracer.beginPart("request", "CommitMutation");
  part?.end(true);
  const traceId = tracer.end("request", describe);
  expect(tracer.end("request", describe)).toBeUndefined();
  expect(spans).toMatchObject([
    { traceId, name: "CommitMutation", kind: "client", parentSpanId: spans[1]?.spanId, isError: true },
    { traceId, name: "PutObject", kind: "server", attributes: { "thread.name": "worker 0", status: 200 } },
  ]);
  expect(spans[1]?.attributes).not.toHaveProperty("code");
  expect([spans[1]?.parentSpanId, tracer.isBusy]).toEqual([undefined, false]);
});

test("Tracer: nothing while it is off, and nothing of a request that was not chosen", () => {
  const { spans, settings, tracer } = open();
  const sampled = { headers: { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" } };
  settings["tracing.enabled"] = false;
  tracer.begin("off", sampled);
  settings["tracing.enabled"] = true;
  settings["tracing.sample_percent"] = 0;
  tracer.begin("not chosen", unasked);
  expect([tracer.isBusy, tracer.beginPart("off", "x"), tracer.end("off", describe), spans]).toEqual([
    ...[false, undefined, undefined],
    [],
  ]);
  tracer.begin("asked for", sampled);
  expect(tracer.end("asked for", describe)).toBe("0af7651916cd43dd8448eb211c80319c");
  expect(spans[0]?.parentSpanId).toBe("b7ad6b7169203331");
});

test("Tracer: requests that never end are forgotten, the oldest first", () => {
  const { tracer } = open();
  for (let number = 0; number < maxActiveTraces; number += 1) tracer.begin(`r${number}`, unasked);
  expect(tracer.beginPart("r0", "x")).toBeDefined();
  tracer.begin("one more", unasked);
  expect(tracer.beginPart("r0", "x")).toBeUndefined();
  expect(tracer.beginPart("r1", "x")).toBeDefined();
});

test("SpanOutbox: batches, bounded; what came on top is counted", () => {
  const sent: [number, number][] = [];
  const due: (() => void)[] = [];
  const outbox = new SpanOutbox({
    send: (spans, droppedCount) => void sent.push([spans.length, droppedCount]),
    after: (_, call) => due.push(call),
  });
  const { spans, tracer } = open();
  tracer.begin("a", unasked);
  tracer.end("a", describe);
  const [span] = spans;
  if (!span) throw new Error("No span");
  for (let number = 0; number < maxSpansPerMessage; number += 1) outbox.add(span);
  expect([sent, due.length]).toEqual([[], 1]);
  due[0]?.();
  for (let number = 0; number < maxSpansPerMessage + 2; number += 1) outbox.add(span);
  due[1]?.();
  due[1]?.();
  expect(sent).toEqual([
    [maxSpansPerMessage, 0],
    [maxSpansPerMessage, 2],
  ]);
});
