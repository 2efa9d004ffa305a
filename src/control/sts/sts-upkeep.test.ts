import { afterEach, expect, test } from "bun:test";
import { sessionSeconds } from "#kernel/sts/parse-session-order.ts";
import { closeAudits } from "#testing/opened-audit.ts";
import { issueSession, openSts, stsIds, tokenOrder } from "#testing/opened-sts.ts";
import { readRevocations } from "./sts-session-store.ts";

afterEach(closeAudits);
const origin = { actor: { kind: "user", id: "a", name: "a" }, via: "api" } as const;

test("Sts.runUpkeep: sessions are forgotten when they have ended, revocations when all they are about have", async () => {
  const opened = await openSts();
  const { sts, sessions, clock, database, publisher } = opened;
  await issueSession(opened, tokenOrder({ durationSeconds: 900 }));
  const revocation = { principalId: stsIds.userId, beforeMs: clock.nowMs() };
  await sessions.revokeBefore(stsIds.tenantId, revocation, origin);
  const counts = async () => [
    (await database.all("SELECT session_id FROM sts_sessions")).length,
    (await readRevocations(database)).length,
    publisher.entries("revocation").size,
  ];
  clock.advance(900_000 - 1);
  await sts.runUpkeep();
  expect(await counts()).toEqual([1, 1, 1]);
  clock.advance(1);
  await sts.runUpkeep();
  expect(await counts()).toEqual([0, 1, 1]);
  clock.advance((sessionSeconds.maxOwn - 900) * 1000 - 1);
  await sts.runUpkeep();
  expect(await counts()).toEqual([0, 1, 1]);
  clock.advance(1);
  await sts.runUpkeep();
  expect(await counts()).toEqual([0, 0, 0]);
});
