import { expect, test } from "bun:test";
import { FakeClock } from "#testing/fake-clock.ts";
import { ClockWatch, minClockStep } from "./clock-watch.ts";

test("ClockWatch: a step forth or back is told once, time that goes by and small steps are not", () => {
  const clock = new FakeClock();
  let offsetMs = 0;
  const steps: unknown[] = [];
  const watch = new ClockWatch(
    { nowMs: () => clock.nowMs() + offsetMs, monotonicMs: () => clock.monotonicMs() },
    { warn: (_, fields) => void steps.push(fields?.["stepSeconds"]) },
  );
  clock.advance(86_400_000);
  watch.look();
  offsetMs -= (minClockStep - 1) * 1000;
  watch.look();
  expect(steps).toEqual([]);
  // Steps that add up are one.
  offsetMs -= 1000;
  watch.look();
  watch.look();
  offsetMs += 7 * 86_400_000;
  watch.look();
  watch.look();
  expect(steps).toEqual([-minClockStep, 7 * 86_400]);
});
