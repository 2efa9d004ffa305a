import { afterAll, expect, test } from "bun:test";
import { createServer } from "node:http";
import { Worker } from "node:worker_threads";
import { assertPortFree, canSharePort, listenShared } from "./shared-port.ts";

const threads: Worker[] = [];

afterAll(async () => {
  await Promise.all(threads.map((thread) => thread.terminate()));
});

async function startThread(port: number, tls: boolean): Promise<number> {
  const thread = new Worker(new URL("../../testing/shared-port-thread.ts", import.meta.url));
  threads.push(thread);
  thread.postMessage({ port, tls });
  return new Promise((resolve, reject) => {
    thread.once("message", resolve);
    thread.once("error", reject);
  });
}

for (const tls of [false, true]) {
  test.skipIf(!canSharePort())(
    `listenShared: connections spread over two threads, ${tls ? "TLS" : "plain"}`,
    async () => {
      const port = await startThread(0, tls);
      expect(await startThread(port, tls)).toBe(port);
      const answers = new Map<string, number>();
      for (let count = 0; count < 60; count++) {
        const response = await fetch(`${tls ? "https" : "http"}://127.0.0.1:${port}/`, {
          keepalive: false,
          headers: { connection: "close" },
          tls: { rejectUnauthorized: false },
        });
        const thread = await response.text();
        answers.set(thread, (answers.get(thread) ?? 0) + 1);
      }
      expect(answers.size).toBe(2);
      for (const count of answers.values()) expect(count).toBeGreaterThan(6);
    },
  );
}

test("listenShared: leaves Bun.serve as it was and refuses a port held exclusively", async () => {
  const { serve } = Bun;
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen(0, "127.0.0.1", resolve));
  const address = holder.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  await expect(listenShared(createServer(), { host: "127.0.0.1", port })).rejects.toMatchObject({ code: "EADDRINUSE" });
  expect(Bun.serve).toBe(serve);
  holder.close();
});

test("assertPortFree: refuses a port that others share, passes a free one", async () => {
  const server = createServer();
  const port = await listenShared(server, { host: "127.0.0.1", port: 0 });
  await expect(assertPortFree({ host: "127.0.0.1", port })).rejects.toMatchObject({ code: "EADDRINUSE" });
  await new Promise<void>((resolve) => server.close(() => resolve()));
  await assertPortFree({ host: "127.0.0.1", port });
  await assertPortFree({ host: "127.0.0.1", port: 0 });
});
