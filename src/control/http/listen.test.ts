import { expect, test } from "bun:test";
import { systemRandom } from "#kernel/base/random.ts";
import { FakeClock } from "#testing/fake-clock.ts";
import { createLog } from "../observe/log.ts";
import { CallSlots, maxCalls, maxCallsOfAddress } from "./call-slots.ts";
import { listen } from "./listen.ts";

test("listen: closing waits for calls that run, and takes no new ones", async () => {
  const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const { port, close } = listen({
    address: { host: "127.0.0.1", port: 0 },
    app: {
      handle: async () => {
        arrive();
        await released;
        return new Response("the secret, this once", { status: 201 });
      },
    },
    trustedProxies: () => [],
    random: systemRandom,
    log: createLog({ level: "error", format: "json", clock: new FakeClock(), output: () => {} }),
    settle: (_, response) => Promise.resolve(response),
  });
  const running = fetch(`http://127.0.0.1:${port}/`);
  await arrived;
  let isClosed = false;
  const closed = close().then(() => {
    isClosed = true;
  });
  await expect(fetch(`http://127.0.0.1:${port}/`, { keepalive: false })).rejects.toThrow();
  expect(isClosed).toBe(false);
  release();
  const answer = await running;
  expect([answer.status, await answer.text()]).toEqual([201, "the secret, this once"]);
  await closed;
});

/** A listener whose calls wait until they are let go; `/health` is answered at once. */
function openWaiting() {
  let waiting = 0;
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const { port, close } = listen({
    address: { host: "127.0.0.1", port: 0 },
    app: {
      handle: async (request) => {
        if (new URL(request.url).pathname.startsWith("/health")) return new Response("ok");
        waiting++;
        await released;
        return new Response("done");
      },
    },
    trustedProxies: () => ["127.0.0.1"],
    random: systemRandom,
    log: createLog({ level: "error", format: "json", clock: new FakeClock(), output: () => {} }),
    settle: (_, response) => Promise.resolve(response),
  });
  const ask = (address: string, path = "/") =>
    fetch(`http://127.0.0.1:${port}${path}`, { headers: { "x-forwarded-for": address }, keepalive: false });
  const until = async (count: number) => {
    while (waiting < count) await Bun.sleep(1);
  };
  return { ask, until, release, close };
}

test("listen: so many calls of one address run at a time; the next gets 503 and its connection ends, others are served", async () => {
  const { ask, until, release, close } = openWaiting();
  const running = Array.from({ length: maxCallsOfAddress }, () => ask("192.0.2.1"));
  await until(maxCallsOfAddress);
  const refused = await ask("192.0.2.1");
  expect([refused.status, refused.headers.get("retry-after"), refused.headers.get("connection")]).toEqual([
    503,
    "1",
    "close",
  ]);
  expect((await refused.json()) as object).toMatchObject({ code: "Unavailable", requestId: expect.any(String) });
  expect((await ask("192.0.2.1", "/health/live")).status).toBe(200);
  const other = ask("192.0.2.2");
  await until(maxCallsOfAddress + 1);
  release();
  for (const answer of await Promise.all([...running, other])) expect(answer.status).toBe(200);
  expect((await ask("192.0.2.1")).status).toBe(200);
  await close();
});

test("CallSlots: all addresses together have a bound of their own; a /64 of IPv6 is one", () => {
  const slots = new CallSlots();
  const taken = Array.from({ length: maxCalls }, (_, index) => slots.take(`192.0.2.${index % 250}`));
  expect(taken).not.toContain(undefined);
  expect(slots.take("198.51.100.1")).toBeUndefined();
  taken[0]?.();
  const release = slots.take("198.51.100.1");
  expect(release).toBeDefined();
  for (const each of [...taken.slice(1), release]) each?.();
  const household = Array.from({ length: maxCallsOfAddress }, (_, index) =>
    slots.take(`2001:db8::${index.toString(16)}`),
  );
  expect(household).not.toContain(undefined);
  expect(slots.take("2001:db8::ffff")).toBeUndefined();
  expect(slots.take("2001:db8:0:1::1")).toBeDefined();
});
