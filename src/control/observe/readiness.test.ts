import { expect, test } from "bun:test";
import { Readiness } from "./readiness.ts";

function makeClock() {
  const time = { ms: 0 };
  return { time, clock: { nowMs: () => 1_700_000_000_000 + time.ms, monotonicMs: () => time.ms } };
}

test("Readiness: callers share one answer for a second", async () => {
  const { time, clock } = makeClock();
  let count = 0;
  const check = async () => void count++;
  const readiness = new Readiness({ probes: [{ name: "a", check }], clock, onChange: () => undefined });
  await Promise.all([readiness.report(), readiness.report()]);
  time.ms = 999;
  await readiness.report();
  expect(count).toBe(1);
  time.ms = 1000;
  await readiness.report();
  expect(count).toBe(2);
});

test("Readiness: since keeps the time of the last change, changes are told once", async () => {
  const { time, clock } = makeClock();
  const changes: string[] = [];
  let works = true;
  const check = () => (works ? Promise.resolve() : Promise.reject(new Error("broken")));
  const onChange = ({ status }: { status: string }, reason: string) => void changes.push(`${status}: ${reason}`);
  const readiness = new Readiness({ probes: [{ name: "a", check }], clock, onChange });
  const sinceAt = async (ms: number) => {
    time.ms = ms;
    const [first] = (await readiness.report()).checks;
    return `${first?.status} ${first?.since.slice(-4)}`;
  };
  expect(await sinceAt(0)).toBe("ok 000Z");
  expect(await sinceAt(2001)).toBe("ok 000Z");
  works = false;
  expect(await sinceAt(4002)).toBe("failed 002Z");
  expect(await sinceAt(6003)).toBe("failed 002Z");
  works = true;
  expect(await sinceAt(8004)).toBe("ok 004Z");
  expect(changes).toEqual(["failed: broken", "ok: works again"]);
});

test("Readiness: a probe that hangs has failed, the others are told all the same", async () => {
  const { clock } = makeClock();
  const probes = [
    { name: "hangs", check: () => new Promise<void>(() => undefined) },
    { name: "works", check: () => Promise.resolve() },
  ];
  const readiness = new Readiness({ probes, clock, onChange: () => undefined, timeoutMs: 10 });
  const { status, checks } = await readiness.report();
  expect([status, ...checks.map((check) => check.status)]).toEqual(["failed", "failed", "ok"]);
});
