import { afterEach, expect, test } from "bun:test";
import { systemClock } from "#kernel/base/clock.ts";
import { systemRandom } from "#kernel/base/random.ts";
import { resolveSettings, type SettingOverrides } from "#kernel/settings/settings.ts";
import type { Span } from "#kernel/trace/span.ts";
import { listenForPosts, waitUntil } from "#testing/log-receivers.ts";
import { parseOtlp } from "#testing/parse-otlp.ts";
import { maxWaitingSpans, TraceExport } from "./trace-export.ts";

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const span: Span = {
  traceId: "0af7651916cd43dd8448eb211c80319c",
  spanId: "b7ad6b7169203331",
  name: "PutObject",
  kind: "server",
  startMs: 1_763_884_800_123.456,
  durationMs: 1.5,
  isError: true,
  attributes: { text: "ü\n", count: 3, ratio: 0.5, flag: true },
};

function open() {
  const reports: string[] = [];
  const traces = new TraceExport({
    ...{ clock: systemClock, random: systemRandom, version: "1.2.3", hostName: "node-1" },
    report: (_, message) => void reports.push(message),
    backoff: { minMs: 5, maxMs: 20 },
  });
  const receiver = listenForPosts();
  closers.push(
    () => receiver.close(),
    () => traces.close(),
  );
  const configure = (more: SettingOverrides = {}) => {
    const on = { "tracing.enabled": true, "tracing.otlp_url": `${receiver.url}/otlp`, ...more };
    const overrides = { "outbound.allowed_ranges": ["127.0.0.0/8"], ...on };
    traces.configure(resolveSettings({ overrides, stored: new Map(), defaults: {} }));
  };
  return { traces, receiver, reports, configure };
}

test("TraceExport: spans arrive as OTLP, with their process", async () => {
  const { traces, receiver, configure } = open();
  configure();
  traces.take([span, { ...span, parentSpanId: "0000000000000001", kind: "client", isError: false }], 0);
  await traces.close();
  const [post] = receiver.posts;
  expect(post?.path).toBe("/otlp/v1/traces");
  expect(parseOtlp(post?.body ?? "")).toEqual([
    {
      ...{ traceId: span.traceId, spanId: span.spanId, parentSpanId: undefined, name: "PutObject", kind: 2 },
      ...{ startNs: 1_763_884_800_123_456_000n, endNs: 1_763_884_800_124_956_000n, isError: true },
      attributes: span.attributes,
    },
    expect.objectContaining({ parentSpanId: "0000000000000001", kind: 3, isError: false }),
  ]);
  expect(post?.body).toContain('{"key":"host.name","value":{"stringValue":"node-1"}}');
});

test("TraceExport: nothing while it is off; no part without the worker's trace", () => {
  const { traces, receiver, configure } = open();
  configure({ "tracing.enabled": false, "tracing.sample_percent": 100 });
  traces.take([span], 0);
  expect(traces.beginRequest("GET", undefined)).toBeUndefined();
  expect(traces.beginPart({ name: "x", kind: "server" }, undefined)).toBeUndefined();
  expect([receiver.posts.length, traces.dropCount]).toEqual([0, 0]);
});

test("TraceExport: spans wait up to the bound; what came on top, and what threads dropped, is counted", async () => {
  const { traces, receiver, reports, configure } = open();
  receiver.status = 503;
  configure();
  const { attributes: _, ...small } = span;
  traces.take(
    Array.from({ length: maxWaitingSpans }, () => ({ ...small, attributes: {} })),
    0,
  );
  expect(traces.dropCount).toBe(0);
  traces.take([span, span], 5);
  expect(traces.dropCount).toBe(7);
  await waitUntil(() => reports.length === 1);
  receiver.posts.splice(0);
  receiver.status = 200;
  await waitUntil(() => reports.length === 2);
  configure({ "tracing.enabled": false });
  expect(reports).toEqual(["The receiver of traces does not take spans", "The receiver of traces takes spans again"]);
});
