import { expect, test } from "bun:test";
import fc from "fast-check";
import { randomBytes } from "./random.ts";
import { createUlidMaker, firstUlidAt } from "./ulid.ts";

const shape = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

test("createUlidMaker: ids rise whatever the clock does", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 2 ** 45 }), { minLength: 2, maxLength: 50 }), (times) => {
      let step = 0;
      const clock = { nowMs: () => times[step++ % times.length] ?? 0, monotonicMs: () => 0 };
      const make = createUlidMaker(clock, { bytes: randomBytes });
      let previous = "";
      for (let count = 0; count < times.length; count++) {
        const id = make();
        expect(id).toMatch(shape);
        expect(id > previous).toBe(true);
        previous = id;
      }
    }),
  );
});

test("createUlidMaker: a full random part moves on to the next millisecond", () => {
  const full = { bytes: (count: number) => new Uint8Array(count).fill(255) };
  const make = createUlidMaker({ nowMs: () => 1, monotonicMs: () => 0 }, full);
  expect(make()).toBe("0000000001ZZZZZZZZZZZZZZZZ");
  expect(make()).toBe("0000000002ZZZZZZZZZZZZZZZZ");
});

test("createUlidMaker: the time is the example's of the specification", () => {
  const make = createUlidMaker({ nowMs: () => 1_469_918_176_385, monotonicMs: () => 0 }, { bytes: randomBytes });
  expect(make().slice(0, 10)).toBe("01ARYZ6S41");
});

test("firstUlidAt: above every id made before that millisecond, at or below those made in it", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 45 }), (timeMs) => {
      const makeAt = (nowMs: number) =>
        createUlidMaker({ nowMs: () => nowMs, monotonicMs: () => 0 }, { bytes: randomBytes })();
      expect(makeAt(timeMs - 1) < firstUlidAt(timeMs)).toBe(true);
      expect(makeAt(timeMs) >= firstUlidAt(timeMs)).toBe(true);
    }),
  );
});
