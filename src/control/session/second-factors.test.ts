import { afterEach, expect, test } from "bun:test";
import { generateSync } from "otplib";
import { systemRandom } from "#kernel/base/random.ts";
import { resolveSettings } from "#kernel/settings/settings.ts";
import { closeAudits, openAudit } from "#testing/opened-audit.ts";
import { Sealer } from "../encryption/seal.ts";
import { createLog } from "../observe/log.ts";
import { ensureTenant } from "../tenants/ensure-tenant.ts";
import { ensureUser } from "../tenants/ensure-user.ts";
import { enableTotp, findAccountById, setPendingTotp } from "./account-store.ts";
import { ensureFirstPassword } from "./first-password.ts";
import { PasswordHasher } from "./password-hasher.ts";
import { Proofs } from "./proofs.ts";
import { SecondFactors } from "./second-factors.ts";

afterEach(closeAudits);
const secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const settings = {
  ...resolveSettings({ overrides: {}, stored: new Map(), defaults: {} }),
  "security.max_failed_attempts": 2,
};

async function open() {
  const { database, clock } = await openAudit();
  const source = { clock, random: systemRandom };
  const { userId } = await database.transaction(async (queries) => {
    const { tenantId } = await ensureTenant(queries, "default", source);
    return ensureUser(queries, { tenantId, name: "admin", administrator: true }, source);
  });
  const log = createLog({ level: "error", format: "json", clock, output: () => undefined });
  const codes: (string | undefined)[] = [];
  const recordAudit = async (_: unknown, { action, code }: { action: string; code?: string }) =>
    void codes.push(`${action} ${code}`);
  const common = { ...source, log, recordAudit, sealer: new Sealer(new Uint8Array(32), systemRandom) };
  const hasher = new PasswordHasher({ memoryKiB: 8, timeCost: 1 });
  await ensureFirstPassword({ ...common, database, hasher, rules: settings, given: "Correct-Horse-9" });
  codes.length = 0;
  const proofs = new Proofs({ ...common, settings: () => settings });
  const from = { address: "192.0.2.1", agent: "test", requestId: "r" };
  const factors = new SecondFactors({ database, proofs });
  const verify = (code: string) => factors.verify({ userId, code, from, action: "sts:GetSessionToken" });
  const codeNow = () => generateSync({ secret, epoch: Math.floor(clock.nowMs() / 1000) });
  const enrol = () =>
    database.transaction(async (queries) => {
      await setPendingTotp(queries, userId, proofs.sealTotp(userId, secret));
      await enableTotp(queries, userId, 0);
      return findAccountById(queries, userId);
    });
  return { verify, codeNow, enrol, codes, clock };
}

test("SecondFactors: without one no code is right; a right code counts once", async () => {
  const { verify, codeNow, enrol, codes, clock } = await open();
  expect(await verify(codeNow())).toBe(false);
  expect(codes).toEqual(["sts:GetSessionToken LogInFailed"]);
  expect((await enrol())?.totpEnabled).toBe(true);
  expect([await verify(codeNow()), await verify(codeNow())]).toEqual([true, false]);
  clock.advance(3_600_000);
  expect(await verify(codeNow())).toBe(true);
});

test("SecondFactors: wrong codes lock the user as wrong log-ins do", async () => {
  const { verify, codeNow, enrol, codes } = await open();
  await enrol();
  expect([await verify("abcdef"), await verify("12")]).toEqual([false, false]);
  expect(codes.at(-1)).toBe("auth:Lockout undefined");
  expect(await verify(codeNow())).toBe(false);
});
