import { afterEach, expect, test } from "bun:test";
import { closeAudits } from "#testing/opened-audit.ts";
import { askSts, assumeOrder, issueSession, type OpenedSts, openSts, stsIds, tokenOrder } from "#testing/opened-sts.ts";
import { identityLimits } from "../iam/identity-limits.ts";
import { insertSession } from "./sts-session-store.ts";

afterEach(closeAudits);
const { tenantId, userId, roleId, keyId, otherKeyId } = stsIds;
const limit = identityLimits.sessionsPerUser;
const origin = { actor: { kind: "user", id: "boss", name: "boss" }, via: "console" } as const;

/** Stores sessions of the role that a user took on, as many as are given. */
async function fill(
  { database, clock }: OpenedSts,
  count: number,
  expiresAtMs = clock.nowMs() + 60_000,
): Promise<void> {
  await database.transaction(async (queries) => {
    for (let index = 0; index < count; index++) {
      const sessionId = `ASIA${String(index).padStart(8, "0")}${expiresAtMs}`;
      const of = { sessionId, tenantId, principalId: roleId, sessionName: "n", lineage: [userId, keyId] };
      const more = { sourceIdentity: null, mfa: false, address: "", agent: "" };
      await insertSession(queries, { ...of, ...more, issuedAtMs: clock.nowMs(), expiresAtMs }, userId);
    }
  });
}

test("Sts: so many temporary credentials of a user live at a time, and not one more, as himself or in a role", async () => {
  const opened = await openSts();
  await fill(opened, limit - 1);
  // What has ended counts for nothing.
  await fill(opened, 3, opened.clock.nowMs());
  await issueSession(opened, assumeOrder());
  const refused = { kind: "refused", code: "LimitExceeded", message: expect.stringContaining(`At most ${limit} `) };
  expect(await askSts(opened, assumeOrder())).toMatchObject(refused);
  expect(await askSts(opened, tokenOrder())).toMatchObject(refused);
  opened.clock.advance(60_001);
  await issueSession(opened, tokenOrder());
});

test("Sts: another user's temporary credentials are others, also in the same role", async () => {
  const opened = await openSts({ trust: [{ Effect: "Allow", Principal: "*", Action: "sts:*" }] });
  await fill(opened, limit);
  expect(await askSts(opened, tokenOrder())).toMatchObject({ code: "LimitExceeded" });
  await issueSession(opened, tokenOrder(), otherKeyId);
});

test("Sts: revoked credentials make room", async () => {
  const opened = await openSts();
  await fill(opened, limit);
  expect(await askSts(opened, assumeOrder())).toMatchObject({ code: "LimitExceeded" });
  opened.clock.advance(1);
  await opened.sessions.revokeBefore(tenantId, { principalId: roleId, beforeMs: undefined }, origin);
  opened.clock.advance(1);
  await issueSession(opened, assumeOrder());
});
