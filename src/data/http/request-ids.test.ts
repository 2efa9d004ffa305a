import { expect, test } from "bun:test";
import { RequestIds } from "./request-ids.ts";

test("RequestIds: 16 upper-case hex digits, never the same twice, not even in two threads", () => {
  const first = new RequestIds();
  const second = new RequestIds();
  const ids = Array.from({ length: 5_000 }, () => [first.next(), second.next()]).flat();
  for (const id of ids) expect(id).toMatch(/^[0-9A-F]{16}$/);
  expect(new Set(ids).size).toBe(ids.length);
});
