import type { SessionContent } from "#kernel/sts/session-content.ts";
import { testKey, testTenant, testUser } from "./identities.ts";

/** When `testSession` was issued; `FakeClock` starts here. */
export const testIssuedAtMs = Date.UTC(2026, 0, 2, 3, 4, 5);

/** An hour's session of `testUser`. */
export const testSession: SessionContent = {
  tenantId: testTenant.tenantId,
  keyId: testKey.accessKeyId,
  principalId: testUser.userId,
  sessionName: "",
  sourceIdentity: null,
  issuedAtMs: testIssuedAtMs,
  expiresAtMs: testIssuedAtMs + 3_600_000,
  mfaAtMs: null,
  tags: [],
  transitiveTagKeys: [],
  chain: [],
  lineage: [],
};
