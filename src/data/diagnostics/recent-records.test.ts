import { expect, test } from "bun:test";
import { RecentRecords } from "./recent-records.ts";

test("RecentRecords: the last ones are found by their request, in order; the oldest goes", () => {
  const records = new RecentRecords<{ requestId: string; place: number }>({
    ...{ maxCount: 3, maxPerSecond: 100, monotonicMs: () => 0 },
  });
  expect(records.find("A")).toEqual([]);
  for (const [place, requestId] of ["A", "B", "A", "A"].entries()) {
    records.add(() => ({ requestId, place }));
    if (place === 2) expect(records.find("A").map((record) => record.place)).toEqual([0, 2]);
  }
  expect(records.find("A").map((record) => record.place)).toEqual([2, 3]);
  expect(records.find("B").map((record) => record.place)).toEqual([1]);
  records.add(() => ({ requestId: "C", place: 4 }));
  expect(records.find("B")).toEqual([]);
});

test("RecentRecords: above the share of a second nothing is made; the next second has its own", () => {
  let nowMs = 5;
  let madeCount = 0;
  const records = new RecentRecords({ maxCount: 10, maxPerSecond: 2, monotonicMs: () => nowMs });
  const add = () => {
    for (let i = 0; i < 3; i++) {
      records.add(() => {
        madeCount++;
        return { requestId: "A" };
      });
    }
  };
  add();
  expect(madeCount).toBe(2);
  nowMs = 1004;
  add();
  expect(madeCount).toBe(2);
  nowMs = 1005;
  add();
  expect(madeCount).toBe(4);
});
