import { expect, test } from "bun:test";
import { Socket } from "node:net";
import type { KeyLimits } from "#kernel/protocol/identities.ts";
import { openSessionToken, sealSessionToken } from "#kernel/sts/session-token.ts";
import { FakeClock } from "#testing/fake-clock.ts";
import { testKey } from "#testing/identities.ts";
import { harnessBucket, identityWith } from "#testing/request-harness.ts";
import type { SessionIdentity } from "../authorize.ts";
import { createRateTable, RateTable } from "./rate-table.ts";
import { type LimitedCaller, RequestLimits } from "./request-limits.ts";

const two: KeyLimits = { requestsPerSecond: 2 };

function open(keyLimits: KeyLimits = {}) {
  const clock = new FakeClock();
  const table = createRateTable(1);
  const rates = new RateTable({ table, workerIndex: 0, workerCount: 1, nowMs: () => clock.nowMs() });
  const limits = new RequestLimits(rates, {
    findTenant: () => identityWith([], { limits: two }).tenant,
    findKeyLimits: (keyId) => (keyId === testKey.accessKeyId ? keyLimits : undefined),
  });
  const socket = new Socket();
  const isAdmitted = (caller: LimitedCaller): boolean => {
    try {
      limits.admit(caller, socket);
      return true;
    } catch (error) {
      expect(error).toMatchObject({ code: "SlowDown", headers: { "Retry-After": "1" } });
      return false;
    }
  };
  return { clock, limits, isAdmitted };
}

/** A user's own session that a key began. */
function sessionOf(keyId: string, limits: KeyLimits = {}): SessionIdentity {
  const { key: _, user, kind: __, ...resolved } = identityWith([], { limits });
  const session = {
    tenantId: user.tenantId,
    principalId: user.userId,
    sessionName: "",
    sourceIdentity: null,
    issuedAtMs: 0,
    expiresAtMs: 1,
    mfaAtMs: null,
    tags: [],
    transitiveTagKeys: [],
    chain: [],
    lineage: [],
    keyId,
  };
  return { ...resolved, kind: "session", accessKeyId: `ASIA${keyId}`, session };
}

function countAdmitted(caller: LimitedCaller, { isAdmitted }: ReturnType<typeof open>): number {
  return Array.from({ length: 5 }, () => isAdmitted(caller)).filter(Boolean).length;
}

test("RequestLimits: a session counts with the key that it came from, and with its tenant", () => {
  const rig = open(two);
  const user = { ...identityWith([]), key: { ...testKey, limits: two } };
  expect(rig.isAdmitted({ identity: user, bucket: undefined })).toBe(true);
  expect(countAdmitted({ identity: sessionOf(testKey.accessKeyId), bucket: undefined }, rig)).toBe(1);
  expect(rig.isAdmitted({ identity: user, bucket: undefined })).toBe(false);
  expect(countAdmitted({ identity: sessionOf("another"), bucket: undefined }, rig)).toBe(5);
  expect(countAdmitted({ identity: sessionOf("another", two), bucket: undefined }, rig)).toBe(2);
});

test("session token: the key that began the session is in it", () => {
  const { session: content, accessKeyId } = sessionOf(testKey.accessKeyId);
  const key = { keyId: "00000001", key: new Uint8Array(32) };
  const token = sealSessionToken(content, { key, accessKeyId, nonce: new Uint8Array(12) });
  expect(openSessionToken(token, accessKeyId, () => key.key)?.content).toEqual(content);
});

test("RequestLimits: anonymous callers count with the tenant of the bucket that they ask for", () => {
  const rig = open();
  expect(countAdmitted({ identity: { kind: "anonymous" }, bucket: harnessBucket }, rig)).toBe(2);
  expect(countAdmitted({ identity: { kind: "anonymous" }, bucket: undefined }, rig)).toBe(5);
});

test("RequestLimits.findByteRates: key and tenant both, where they have one", () => {
  const { limits } = open();
  const identity = { ...identityWith([], { limits: { bytesPerSecond: 7 } }), key: { ...testKey, limits: two } };
  expect(limits.findByteRates({ identity, bucket: undefined })).toEqual([
    { id: identity.tenant.tenantId, perSecond: 7 },
  ]);
  expect(limits.findByteRates({ identity: identityWith([]), bucket: undefined })).toEqual([]);
});
