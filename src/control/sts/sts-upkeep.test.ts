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

test("Sts.runUpkeep: credentials of entered tenants end with the session of the console that they were got in", async () => {
  const { sts, database, publisher, clock } = await openSts();
  const lineages = ["SESSIONGONE", "SESSIONTHERE"];
  for (const [index, id] of [...lineages, ""].entries()) {
    await database.run(
      `INSERT INTO sts_sessions (session_id, tenant_id, principal_id, session_name, lineage, mfa, issued_at_ms, expires_at_ms,
         address, agent) VALUES ($1, $2, $3, 'root', $4, 0, $5, $6, '', '')`,
      [
        `ASIA${index}`,
        stsIds.tenantId,
        stsIds.userId,
        JSON.stringify(id ? [id] : []),
        clock.nowMs(),
        clock.nowMs() + 1000,
      ],
    );
  }
  await database.run(
    `INSERT INTO sessions (session_id, user_id, id_hash, rotated_at_ms, created_at_ms, seen_at_ms, proof_at_ms, is_locked, address,
       agent, methods) VALUES ('SESSIONTHERE', $1, 'hash', 0, 0, 0, 0, 0, '', '', '[]')`,
    [stsIds.userId],
  );
  await sts.runUpkeep();
  await sts.runUpkeep();
  expect([...publisher.entries("revocation").keys()]).toEqual(["SESSIONGONE"]);
  expect(publisher.entries("revocation").get("SESSIONGONE")?.beforeMs).toBe(clock.nowMs() + 1);
});
