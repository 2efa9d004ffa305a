import { expect, test } from "bun:test";
import { makeEvent } from "#testing/opened-audit.ts";
import { Denials, maxWaitingDenials } from "./denials.ts";

const denial = (change = {}) => makeEvent({ outcome: "denied", ...change });

test("add: too many different denials are counted per tenant, known ones still by themselves", () => {
  const denials = new Denials();
  for (let index = 0; index < maxWaitingDenials; index++) denials.add(denial({ code: `c${index}` }), 1);
  denials.add(denial({ code: "c0" }), 2);
  denials.add(denial({ code: "new" }), 3);
  denials.add(denial({ code: "newer" }), 4);
  denials.add(denial({ code: "new", tenantId: "t1" }), 5);
  expect(denials.size).toBe(maxWaitingDenials + 2);
  const taken = denials.take();
  expect(taken[0]).toMatchObject({ count: 2, sinceMs: 1 });
  expect(taken.slice(-2)).toMatchObject([
    { count: 2, sinceMs: 3, event: { tenantId: null, action: "audit:ManyDenials" } },
    { count: 1, sinceMs: 5, event: { tenantId: "t1", action: "audit:ManyDenials" } },
  ]);
  expect(denials.take()).toEqual([]);
});

test("add: of S3 the same is one from every address, counted as often as it came; elsewhere the address counts", () => {
  for (const [via, counts] of [
    ["s3", [7]],
    ["console", [3, 4]],
  ] as const) {
    const denials = new Denials();
    denials.add(denial({ via, address: "192.0.2.1" }), 1, 3);
    denials.add(denial({ via, address: "192.0.2.2" }), 2, 4);
    expect(denials.take().map(({ count }) => count)).toEqual([...counts]);
  }
});

test("putBack: what waits again is counted with what came meanwhile", () => {
  const denials = new Denials();
  denials.add(denial(), 1);
  const taken = denials.take();
  denials.add(denial({ requestId: "other", agent: "other" }), 2);
  denials.putBack(taken);
  expect(denials.take()).toMatchObject([{ count: 2, sinceMs: 1 }]);
});
