import { expect, jest, test } from "bun:test";
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
  readiness.start();
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
  readiness.start();
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
  readiness.start();
  const { status, checks } = await readiness.report();
  expect([status, ...checks.map((check) => check.status)]).toEqual(["failed", "failed", "ok"]);
});

test("Readiness: a probe that hangs is asked once until it answers, then again", async () => {
  const { time, clock } = makeClock();
  let askedCount = 0;
  let answer = Promise.withResolvers<void>();
  const check = () => {
    askedCount += 1;
    return answer.promise;
  };
  const readiness = new Readiness({
    probes: [{ name: "slow", check }],
    clock,
    onChange: () => undefined,
    timeoutMs: 10,
  });
  const report = async () => {
    time.ms += 5_000;
    return (await readiness.report()).status;
  };
  readiness.start();
  expect([await report(), await report(), askedCount]).toEqual(["failed", "failed", 1]);
  answer.reject(new Error("broken"));
  expect([await report(), askedCount]).toEqual(["failed", 1]);
  answer = Promise.withResolvers<void>();
  answer.resolve();
  expect([await report(), askedCount]).toEqual(["ok", 2]);
});

test("Readiness: a failure that concerns a part of the work degrades, a failure of all of it counts more", async () => {
  const { time, clock } = makeClock();
  const fails = { part: true, all: false };
  const makeCheck = (name: "part" | "all") => async () => {
    if (fails[name]) throw new Error(name);
  };
  const probes = [
    { name: "buckets", isPartial: true, check: makeCheck("part") },
    { name: "space", check: makeCheck("all") },
  ];
  const readiness = new Readiness({ probes, clock, onChange: () => undefined });
  readiness.start();
  const statusNow = async () => {
    time.ms += 2000;
    return (await readiness.report()).status;
  };
  expect(await statusNow()).toBe("degraded");
  fails.all = true;
  expect(await statusNow()).toBe("failed");
  fails.part = false;
  fails.all = false;
  expect(await statusNow()).toBe("ok");
});

test("Readiness: what does not work yet while the server starts is no change, and nothing is reused from then", async () => {
  const { clock } = makeClock();
  const changes: string[] = [];
  let isListening = false;
  const check = () => (isListening ? Promise.resolve() : Promise.reject(new Error("none listens")));
  const onChange = ({ status }: { status: string }) => void changes.push(status);
  const readiness = new Readiness({ probes: [{ name: "workers", check }], clock, onChange });
  expect((await readiness.report()).status).toBe("starting");
  expect([changes, readiness.lastResults]).toEqual([[], []]);
  isListening = true;
  readiness.start();
  expect((await readiness.report()).status).toBe("ok");
  expect([changes, readiness.lastResults.length]).toEqual([[], 1]);
  readiness.drain();
  expect((await readiness.report()).status).toBe("draining");
});

test("Readiness: it is judged without anybody asking, at the start and from then on", async () => {
  jest.useFakeTimers();
  try {
    const { time, clock } = makeClock();
    let count = 0;
    const check = async () => void count++;
    const readiness = new Readiness({ probes: [{ name: "a", check }], clock, onChange: () => undefined });
    readiness.start();
    for (let round = 1; round <= 3; round++) {
      await readiness.report();
      expect(count).toBe(round);
      time.ms += 10_000;
      jest.advanceTimersByTime(10_000);
    }
    readiness.drain();
    await readiness.report();
    time.ms += 10_000;
    jest.advanceTimersByTime(10_000);
    expect(count).toBe(4);
  } finally {
    jest.useRealTimers();
  }
});
