import { expect, test } from "bun:test";
import type { KeyUse } from "#kernel/protocol/key-use.ts";
import { FakeClock } from "#testing/fake-clock.ts";
import { identityWith } from "#testing/request-harness.ts";
import { KeyUses, maxUsesPerMessage, maxWaitingUses } from "./key-uses.ts";

function open() {
  const clock = new FakeClock();
  const [sent, timers]: [KeyUse[][], (() => void)[]] = [[], []];
  const send = (uses: readonly KeyUse[]) => void sent.push([...uses]);
  const uses = new KeyUses({ clock, send, after: (_ms, call) => void timers.push(call) });
  const user = identityWith([]);
  const identity = (accessKeyId: string) => ({ ...user, key: { ...user.key, accessKeyId } });
  return { clock, sent, timers, uses, identity };
}

test("KeyUses: many requests are one message, with the last use of each key", () => {
  const { clock, sent, timers, uses, identity } = open();
  uses.note({ kind: "anonymous" }, "s3", "GetObject");
  expect(timers).toHaveLength(0);
  uses.note(identity("A"), "s3", "GetObject");
  clock.advance(5);
  uses.note(identity("A"), "s3", "PutObject");
  uses.note(identity("B"), "sts", "AssumeRole");
  expect([sent.length, timers.length]).toEqual([0, 1]);
  timers.shift()?.();
  expect(sent).toEqual([
    [
      { accessKeyId: "A", operation: "s3:PutObject", usedAtMs: clock.nowMs() },
      { accessKeyId: "B", operation: "sts:AssumeRole", usedAtMs: clock.nowMs() },
    ],
  ]);
  expect(timers).toHaveLength(0);
  uses.flush();
  expect(sent).toHaveLength(1);
});

test("KeyUses: messages and what waits for them are bounded", () => {
  const { sent, timers, uses, identity } = open();
  for (let index = 0; index < maxWaitingUses + 1; index++) uses.note(identity(`K${index}`), "s3", "GetObject");
  timers.shift()?.();
  expect([sent.length, sent[0]?.length, timers.length]).toEqual([1, maxUsesPerMessage, 1]);
  uses.flush();
  expect(sent.every(({ length }) => length <= maxUsesPerMessage)).toBeTrue();
  expect(sent.flat()).toHaveLength(maxWaitingUses);
  uses.note(identity("K0"), "s3", "GetObject");
  timers.shift()?.();
  expect(sent.flat()).toHaveLength(maxWaitingUses + 1);
});
