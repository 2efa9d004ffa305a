import { expect, test } from "bun:test";
import type { ToControl } from "#kernel/protocol/to-control.ts";
import { ControlClient } from "./control-client.ts";

test("ControlClient: answers find their calls, in any order, once", async () => {
  const sent: ToControl[] = [];
  const client = new ControlClient((message) => sent.push(message));
  const calls = ["1", "2", "3"].map((bucketId) => client.call({ kind: "deleteBucket", bucketId }));
  const ids = sent.map((message) => (message.kind === "call" ? message.id : 0));
  expect(new Set(ids).size).toBe(3);
  const [first = 0, second = 0, third = 0] = ids;
  client.settle(third, { ok: true, value: "three" });
  client.settle(third, { ok: true, value: "again" });
  client.settle(first, { ok: false, code: "BucketNotEmpty" });
  client.settle(second, { ok: false, code: "InvalidRequest", message: "Said so" });
  client.settle(999, { ok: true, value: "nobody" });
  const outcomes = await Promise.all(calls.map((call) => call.catch((error: unknown) => error)));
  expect(outcomes).toMatchObject([
    { code: "BucketNotEmpty", status: 409 },
    { code: "InvalidRequest", message: "Said so" },
    "three",
  ]);
});
