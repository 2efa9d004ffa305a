import { expect, test } from "bun:test";
import { RecentMap } from "./recent-map.ts";

test("RecentMap: forgets the entry unused for longest, not the oldest", () => {
  const map = new RecentMap<number>(2);
  map.set("a", 1);
  map.set("b", 2);
  expect(map.get("a")).toBe(1);
  map.set("c", 3);
  expect(map.get("b")).toBeUndefined();
  expect(map.get("a")).toBe(1);
  expect(map.get("c")).toBe(3);
});

test("RecentMap: never holds more than its limit", () => {
  const map = new RecentMap<number>(3);
  for (let index = 0; index < 100; index++) map.set(`key-${index % 7}`, index);
  expect(map.size).toBe(3);
});
