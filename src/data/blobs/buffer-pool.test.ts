import { expect, test } from "bun:test";
import fc from "fast-check";
import { BufferPool, bufferBytes } from "./buffer-pool.ts";

test("BufferPool: hands out at most its limit, then makes callers wait in line", async () => {
  const pool = new BufferPool(2);
  const first = await pool.acquire();
  const second = await pool.acquire();
  expect([first.length, first === second, pool.used]).toEqual([bufferBytes, false, 2]);
  const order: string[] = [];
  const waiting = ["a", "b"].map(async (name) => {
    const buffer = await pool.acquire();
    order.push(name);
    pool.release(buffer);
  });
  await Bun.sleep(1);
  expect(order).toEqual([]);
  pool.release(first);
  await Promise.all(waiting);
  expect(order).toEqual(["a", "b"]);
  pool.release(second);
  expect(pool.used).toBe(0);
});

test("BufferPool: no buffer is held by two, whatever the order of asking and giving back", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.nat({ max: 9 }), { maxLength: 40 }),
      async (limit, ticks) => {
        const pool = new BufferPool(limit);
        const held = new Set<Uint8Array>();
        let most = 0;
        const use = async (delay: number) => {
          const buffer = await pool.acquire();
          expect(held.has(buffer)).toBe(false);
          held.add(buffer);
          most = Math.max(most, held.size);
          for (let i = 0; i < delay; i++) await Promise.resolve();
          held.delete(buffer);
          pool.release(buffer);
        };
        await Promise.all(ticks.map(use));
        expect(most).toBeLessThanOrEqual(limit);
        expect(pool.used).toBe(0);
      },
    ),
    { numRuns: 50 },
  );
});

test("BufferPool: rotate keeps the buffer while nobody waits, else gives it to the first and lines up last", async () => {
  const pool = new BufferPool(1);
  const buffer = await pool.acquire();
  expect(pool.rotate(buffer)).toBe(buffer);
  const order: string[] = [];
  const first = Promise.resolve(pool.acquire()).then((given) => {
    order.push("first");
    pool.release(given);
  });
  const second = Promise.resolve(pool.acquire()).then((given) => {
    order.push("second");
    pool.release(given);
  });
  expect(pool.line).toEqual({ waitingCount: 2, servedCount: 0 });
  const again = await pool.rotate(buffer);
  await Promise.all([first, second]);
  expect([order, again === buffer]).toEqual([["first", "second"], true]);
  expect(pool.line).toEqual({ waitingCount: 0, servedCount: 3 });
  pool.release(again);
  expect(pool.used).toBe(0);
});

test("BufferPool: who waits too long is refused and leaves the line; who rotates is not", async () => {
  const pool = new BufferPool(1, 30);
  const held = await pool.acquire();
  const refused = Promise.resolve(pool.acquire()).catch((error: unknown) => error);
  expect(await refused).toMatchObject({ code: "SlowDown", status: 503 });
  expect(pool.line).toEqual({ waitingCount: 0, servedCount: 1 });
  const next = pool.acquire();
  const rotated = pool.rotate(held);
  const taken = await next;
  await Bun.sleep(60);
  expect(pool.line).toEqual({ waitingCount: 1, servedCount: 2 });
  pool.release(taken);
  expect(await rotated).toBe(taken);
  pool.release(taken);
  expect(pool.used).toBe(0);
});
