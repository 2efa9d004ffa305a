import { afterEach, expect, test } from "bun:test";
import { networkInterfaces } from "node:os";
import { resolveSettings, type SettingOverrides, settingRules } from "#kernel/settings/settings.ts";
import { listenForDatagrams, listenForPosts, listenForSyslog, waitUntil } from "#testing/log-receivers.ts";
import type { LogLevel } from "../observe/log.ts";
import { LogShipping, maxWaitingLines } from "./log-shipping.ts";
import { maxDatagramBytes } from "./syslog-transport.ts";

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const loopback = { "outbound.allowed_ranges": ["127.0.0.0/8"] };
const token = "canary-bearer-token";

function open() {
  const reports: [LogLevel, string, Record<string, unknown>][] = [];
  const shipping = new LogShipping({
    hostName: "node 1",
    pid: 42,
    report: (level, message, fields) => void reports.push([level, message, fields]),
    backoff: { minMs: 5, maxMs: 20 },
  });
  closers.push(() => shipping.close());
  const configure = (overrides: SettingOverrides) =>
    shipping.configure(resolveSettings({ overrides: { ...loopback, ...overrides }, stored: new Map(), defaults: {} }));
  return { shipping, reports, configure };
}

async function openSyslog(protocol: "tcp" | "tls" = "tcp", port = 0) {
  const receiver = await listenForSyslog(protocol, port);
  closers.push(() => receiver.close());
  return receiver;
}

function openPosts() {
  const receiver = listenForPosts();
  closers.push(() => receiver.close());
  return receiver;
}

const syslogTo = (port: number, more: SettingOverrides = {}): SettingOverrides => ({
  "logging.syslog_enabled": true,
  "logging.syslog_host": "127.0.0.1",
  "logging.syslog_port": port,
  ...more,
});

const postsTo = (url: string, more: SettingOverrides = {}): SettingOverrides => ({
  "logging.http_enabled": true,
  "logging.http_url": `${url}/logs`,
  "logging.http_auth_token": token,
  "logging.http_batch_size": 1,
  ...more,
});

const line = (message: string) => JSON.stringify({ time: "2026-11-23T08:00:00.123Z", level: "info", message });

/** The lines of all batches that arrived. */
const posted = (receiver: ReturnType<typeof openPosts>): string[] =>
  receiver.posts.flatMap(({ body }) => JSON.parse(body).map((each: { message: string }) => each.message));

test("LogShipping: nothing is active and nothing counted until settings say so", () => {
  const { shipping, configure } = open();
  configure({});
  shipping.take("info", line("nowhere"));
  expect(shipping.isActive).toBe(false);
  expect(shipping.drops).toEqual([
    { sink: "syslog", count: 0 },
    { sink: "http", count: 0 },
  ]);
});

test("LogShipping: syslog over TCP: RFC 5424 messages, octet counting, severity by level", async () => {
  const { shipping, configure } = open();
  const receiver = await openSyslog();
  configure(syslogTo(receiver.port, { "logging.syslog_tag": "object store" }));
  for (const level of ["debug", "info", "warn", "error"] as const) shipping.take(level, line(`${level} ü`));
  await waitUntil(() => receiver.messages.length === 4);
  const head = (priority: number) => `<${priority}>1 2026-11-23T08:00:00.123Z node_1 object_store 42 - - `;
  expect(receiver.messages).toEqual([
    head(135) + line("debug ü"),
    head(134) + line("info ü"),
    head(132) + line("warn ü"),
    head(131) + line("error ü"),
  ]);
  expect(receiver.connectionCount).toBe(1);
});

test("LogShipping: syslog over UDP: a datagram per line, cut where it is too long", async () => {
  const { shipping, configure } = open();
  const receiver = await listenForDatagrams();
  closers.push(() => receiver.close());
  configure(syslogTo(receiver.port, { "logging.syslog_protocol": "udp" }));
  shipping.take("info", line("one"));
  await waitUntil(() => receiver.messages.length === 1);
  shipping.take("info", line("ü".repeat(maxDatagramBytes)));
  await waitUntil(() => receiver.messages.length === 2);
  expect(receiver.messages[0]).toEndWith(line("one"));
  const length = Buffer.byteLength(receiver.messages[1] ?? "");
  expect([length <= maxDatagramBytes, length >= maxDatagramBytes - 1]).toEqual([true, true]);
  expect(receiver.messages[1]).not.toContain("\ufffd");
});

test("LogShipping: syslog over TLS: a certificate nobody vouches for gets nothing", async () => {
  const { shipping, configure, reports } = open();
  const receiver = await openSyslog("tls");
  configure(syslogTo(receiver.port, { "logging.syslog_protocol": "tls" }));
  shipping.take("info", line("secret"));
  await waitUntil(() => reports.length > 0);
  expect(reports).toEqual([
    ["warn", "A log target does not take lines", { target: "syslog", reason: expect.stringContaining("certificate") }],
  ]);
  expect(receiver.messages).toEqual([]);
});

test("LogShipping: a syslog receiver that was down and resets gets what waited, in order", async () => {
  const { shipping, configure, reports } = open();
  const first = await openSyslog();
  configure(syslogTo(first.port));
  shipping.take("info", line("before"));
  await waitUntil(() => first.messages.length === 1);
  await first.close();
  closers.pop();
  for (let number = 0; number < 100; number += 1) shipping.take("info", line(`while ${number}`));
  await waitUntil(() => reports.length === 1);
  const second = await openSyslog("tcp", first.port);
  await waitUntil(() => second.messages.some((message) => message.endsWith(line("while 99"))));
  second.reset();
  await Bun.sleep(20);
  shipping.take("info", line("after"));
  await waitUntil(() => second.messages.some((message) => message.endsWith(line("after"))));
  const numbers = second.messages.flatMap((message) => /while (\d+)/.exec(message)?.[1] ?? []).map(Number);
  expect(numbers).toEqual([...new Set(numbers)].toSorted((a, b) => a - b));
  expect(reports.map(([level, message]) => [level, message]).slice(0, 2)).toEqual([
    ["warn", "A log target does not take lines"],
    ["info", "A log target takes lines again"],
  ]);
});

test("LogShipping: a receiver that reads nothing holds nobody up: lines wait up to the bound, then are counted", async () => {
  const { shipping, configure } = open();
  const slow = await openSyslog();
  slow.hold(true);
  const quick = openPosts();
  configure({ ...syslogTo(slow.port), ...postsTo(quick.url, { "logging.http_batch_size": 10_000 }) });
  const long = "x".repeat(1_000);
  for (let number = 0; number < maxWaitingLines + 5; number += 1) shipping.take("info", line(long));
  expect(shipping.drops.map(({ count }) => count > 0)).toEqual([true, true]);
  await waitUntil(() => posted(quick).length > 10_000);
  const dropped = shipping.drops.map(({ count }) => count);
  slow.hold(false);
  await waitUntil(() => slow.messages.length === maxWaitingLines + 5 - (dropped[0] ?? 0));
  shipping.take("info", line("last"));
  await waitUntil(() => slow.messages.at(-1)?.endsWith(line("last")) === true);
});

test("LogShipping: HTTP: batches as a JSON array with the token, sent when full or when the time is over", async () => {
  const { shipping, configure } = open();
  const receiver = openPosts();
  configure(postsTo(receiver.url, { "logging.http_batch_size": 3, "logging.http_flush_interval": 3600 }));
  for (const message of ["a", "b", "c"]) shipping.take("info", line(message));
  await waitUntil(() => receiver.posts.length === 1);
  expect(receiver.posts[0]).toMatchObject({
    path: "/logs",
    headers: {
      "content-type": "application/json",
      authorization: `Bearer ${token}`,
      host: `127.0.0.1:${receiver.port}`,
    },
    body: `[${[line("a"), line("b"), line("c")].join(",")}]`,
  });
  shipping.take("info", line("d"));
  await Bun.sleep(30);
  expect(receiver.posts).toHaveLength(1);
  configure(postsTo(receiver.url, { "logging.http_batch_size": 3, "logging.http_flush_interval": 1 }));
  await waitUntil(() => receiver.posts.length === 2);
  expect(posted(receiver)).toEqual(["a", "b", "c", "d"]);
  expect(receiver.posts.map(({ body }) => body).join()).not.toContain(token);
});

test("LogShipping: HTTP: what was not taken is sent again; a batch that is refused for good is counted", async () => {
  const { shipping, configure, reports } = open();
  const receiver = openPosts();
  configure(postsTo(receiver.url));
  receiver.status = 503;
  shipping.take("info", line("again"));
  await waitUntil(() => receiver.posts.length >= 3);
  receiver.status = 302;
  const tries = receiver.posts.length;
  await waitUntil(() => receiver.posts.length > tries);
  expect(receiver.posts.every(({ path }) => path === "/logs")).toBe(true);
  receiver.status = 200;
  await waitUntil(() => reports.length === 2);
  receiver.status = 400;
  shipping.take("info", line("bad"));
  await waitUntil(() => shipping.drops[1]?.count === 1);
  receiver.status = 200;
  shipping.take("info", line("good"));
  await waitUntil(() => reports.length === 4);
  expect(posted(receiver).at(-1)).toBe("good");
  expect(reports.map(([, , { reason }]) => reason)).toEqual([
    "It answered 503",
    undefined,
    "It refused a batch for good",
    undefined,
  ]);
  expect(JSON.stringify(reports)).not.toContain(token);
});

test("LogShipping: private addresses get nothing unless they are allowed", async () => {
  const { shipping, configure, reports } = open();
  const [syslog, web] = [await openSyslog(), openPosts()];
  const both = { ...syslogTo(syslog.port), ...postsTo(web.url) };
  configure({ ...both, "outbound.allowed_ranges": ["10.0.0.0/8"] });
  shipping.take("info", line("guarded"));
  await waitUntil(() => reports.length === 2);
  for (const [, , { reason }] of reports) expect(reason).toContain("outbound.allowed_ranges");
  expect([syslog.connectionCount, web.posts.length]).toEqual([0, 0]);
  configure(both);
  await waitUntil(() => syslog.messages.length === 1 && web.posts.length === 1);
});

test("LogShipping: switched off, what waits is counted; closed, what waits is sent first", async () => {
  const { shipping, configure } = open();
  const receiver = openPosts();
  configure(postsTo(receiver.url, { "logging.http_batch_size": 100 }));
  shipping.take("info", line("lost"));
  configure({});
  expect(shipping.drops[1]).toEqual({ sink: "http", count: 1 });
  configure(postsTo(receiver.url, { "logging.http_batch_size": 100 }));
  shipping.take("info", line("last words"));
  await shipping.close();
  expect(posted(receiver)).toEqual(["last words"]);
});

const hasIpv6 = Object.values(networkInterfaces()).some((each) => each?.some(({ address }) => address === "::1"));

test.skipIf(!hasIpv6)("LogShipping: syslog goes to an address of IPv6, by TCP and by datagrams", async () => {
  const stream = await listenForSyslog("tcp", 0, "::1");
  const datagrams = await listenForDatagrams("::1");
  closers.push(
    () => stream.close(),
    () => datagrams.close(),
  );
  for (const [protocol, host, receiver] of [
    ["tcp", "::1", stream],
    ["udp", "[::1]", datagrams],
  ] as const) {
    const { shipping, configure } = open();
    const parsed = settingRules["logging.syslog_host"].parse(host);
    const more = { "logging.syslog_host": parsed, "logging.syslog_protocol": protocol };
    configure({ ...syslogTo(receiver.port, more as SettingOverrides), "outbound.allowed_ranges": ["::1/128"] });
    shipping.take("info", line(`over ${protocol}`));
    await waitUntil(() => receiver.messages.length === 1);
    expect(receiver.messages[0]).toContain(`over ${protocol}`);
  }
});
