import { expect, test } from "bun:test";
import { systemRandom } from "#kernel/base/random.ts";
import { FakeClock } from "#testing/fake-clock.ts";
import { createLog } from "../observe/log.ts";
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
