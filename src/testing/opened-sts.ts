import { SerialQueue } from "#control/database/serial-queue.ts";
import { Sealer } from "#control/encryption/seal.ts";
import { identityLimits } from "#control/iam/identity-limits.ts";
import { readIdentities } from "#control/iam/read-identities.ts";
import { SnapshotPublisher } from "#control/snapshot/publisher.ts";
import { Sts } from "#control/sts/sts.ts";
import { StsSessions } from "#control/sts/sts-sessions.ts";
import { readTokenKeys, TokenKeys } from "#control/sts/token-keys.ts";
import { systemRandom } from "#kernel/base/random.ts";
import type { KeyEntry } from "#kernel/protocol/identities.ts";
import type { SessionAnswer, SessionOrder } from "#kernel/protocol/sts.ts";
import { openSessionToken } from "#kernel/sts/session-token.ts";
import { testDataSettings } from "./data-settings.ts";
import { testKey } from "./identities.ts";
import { openAudit } from "./opened-audit.ts";

type AssumeRole = Extract<SessionOrder, { kind: "assumeRole" }>;

/** Ids and ARNs of what `openSts` makes: two tenants, each with a user and a role. */
export const stsIds = {
  ...{ tenantId: "T1", userId: "AIDAUSERAAAAAAAAAAAA", roleId: "AROAROLEAAAAAAAAAAAA", keyId: "AKIAUSER" },
  ...{
    otherTenantId: "T2",
    otherUserId: "AIDAUSERBBBBBBBBBBBB",
    otherRoleId: "AROAROLEBBBBBBBBBBBB",
    otherKeyId: "AKIAOTHER",
  },
  roleArn: "arn:aws:iam::111111111111:role/ops/builder",
  otherRoleArn: "arn:aws:iam::222222222222:role/ops/builder",
  ...{ accountId: "111111111111", otherAccountId: "222222222222" },
};

const TENANT =
  "INSERT INTO tenants (tenant_id, slug, display_name, account_id, canonical_id, created_at_ms) VALUES ($1, $2, $3, $4, $5, 0)";
const USER =
  "INSERT INTO users (user_id, tenant_id, name, name_folded, is_global, created_at_ms) VALUES ($1, $2, 'carol', 'carol', 0, 0)";
const ROLE = `INSERT INTO roles (role_id, tenant_id, path, name, name_folded, description, trust_policy, max_session_seconds,
  tags, created_at_ms, revision) VALUES ($1, $2, '/ops/', 'builder', 'builder', '', $3, $4, '[["stage","prod"]]', 0, 1)`;

/** What the first tenant's role is, and what narrows the first user's key. */
export interface StsWorld {
  /** Statements of the trust policy of both roles; the first user alone may assume when absent. */
  readonly trust?: readonly object[];
  readonly maxSessionSeconds?: number;
  readonly narrowing?: readonly string[];
  readonly keyExpiresAtMs?: number;
  readonly maxSeconds?: number;
  /** The code that is right. */
  readonly code?: string;
}

/** STS on a database of its own with a clock that stands still; `closeAudits` ends it. */
export async function openSts(world: StsWorld = {}) {
  const { database, clock, trail } = await openAudit();
  const { maxSessionSeconds = 43_200, maxSeconds = 129_600, narrowing = [], keyExpiresAtMs = null } = world;
  const statements = world.trust ?? [{ Effect: "Allow", Principal: { AWS: stsIds.userId }, Action: "sts:*" }];
  const trust = JSON.stringify({ Version: "2012-10-17", Statement: statements });
  const { tenantId, userId, roleId, otherTenantId, otherUserId, otherRoleId } = stsIds;
  for (const [id, slug, account] of [
    [tenantId, "first", stsIds.accountId],
    [otherTenantId, "second", stsIds.otherAccountId],
  ] as const)
    await database.run(TENANT, [id, slug, slug, account, id.padEnd(64, "0")]);
  for (const [id, tenant] of [
    [userId, tenantId],
    [otherUserId, otherTenantId],
  ] as const)
    await database.run(USER, [id, tenant]);
  for (const [id, tenant] of [
    [roleId, tenantId],
    [otherRoleId, otherTenantId],
  ] as const)
    await database.run(ROLE, [id, tenant, trust, maxSessionSeconds]);
  const keys: readonly KeyEntry[] = [
    { ...testKey, accessKeyId: stsIds.keyId, userId, tenantId, narrowing, expiresAtMs: keyExpiresAtMs },
    { ...testKey, accessKeyId: stsIds.otherKeyId, userId: otherUserId, tenantId: otherTenantId },
  ];
  const identities = await readIdentities(database);
  const publisher = new SnapshotPublisher({
    entries: { ...identities, key: keys, tokenKey: [], revocation: [], bucket: [] },
    settings: testDataSettings,
    endSilentWorker: () => Promise.resolve(),
  });
  const sealer = new Sealer(new Uint8Array(32).fill(5), systemRandom);
  const openKeys = async () =>
    new TokenKeys({
      database,
      sealer,
      stored: await readTokenKeys(database, sealer),
      publisher,
      clock,
      random: systemRandom,
    });
  const shared = { database, publisher, clock, record: trail.record, turns: new SerialQueue() };
  const secondFactors = { verify: async ({ code }: { code: string }) => code === world.code };
  const tokenKeys = await openKeys();
  const given = { tokenKeys, secondFactors, random: systemRandom, limits: identityLimits };
  const sts = new Sts({ ...shared, ...given, maxSeconds: () => maxSeconds });
  return { database, clock, trail, publisher, sealer, tokenKeys, openKeys, sts, sessions: new StsSessions(shared) };
}

/** What `openSts` gives. */
export type OpenedSts = Awaited<ReturnType<typeof openSts>>;

type Issued = Extract<SessionAnswer, { kind: "issued" }>;

/** Asks as the first user, or as the holder of a session or of another key. */
export function askSts({ sts, publisher }: OpenedSts, order: SessionOrder, as: Issued | string = stsIds.keyId) {
  const accessKeyId = typeof as === "string" ? as : as.accessKeyId;
  const session = typeof as === "string" ? undefined : contentOf(publisher, as);
  const origin = {
    ...{
      accessKeyId,
      principalId: "AIDA",
      principalName: "carol",
      requestId: "R",
      address: "192.0.2.7",
      agent: "test",
    },
  };
  return sts.issue({ kind: "issueSession", order, credential: { accessKeyId, session }, origin, secure: false });
}

/** The same, and it must succeed. @throws Error with the refusal */
export async function issueSession(opened: OpenedSts, order: SessionOrder, as?: Issued | string): Promise<Issued> {
  const answer = await askSts(opened, order, as);
  if (answer.kind === "refused") throw new Error(`${answer.code}: ${answer.message}`);
  return answer;
}

/** What the token of a session says. @throws Error when it does not open */
export function contentOf(publisher: OpenedSts["publisher"], { sessionToken, accessKeyId }: Issued) {
  const found = openSessionToken(sessionToken, accessKeyId, (keyId) => publisher.entries("tokenKey").get(keyId)?.key);
  if (found === undefined) throw new Error("The token does not open");
  return found.content;
}

/** An order for the first tenant's role. */
export function assumeOrder(change: Partial<AssumeRole> = {}): AssumeRole {
  return {
    kind: "assumeRole",
    roleArn: stsIds.roleArn,
    sessionName: "nightly",
    policies: { text: undefined, arns: [] },
    ...{ tags: [], transitiveTagKeys: [] },
    ...{ durationSeconds: undefined, externalId: undefined, sourceIdentity: undefined, mfa: undefined },
    ...change,
  };
}

/** An order for a user's own session. */
export function tokenOrder(change: Partial<Extract<SessionOrder, { kind: "getSessionToken" }>> = {}): SessionOrder {
  return { kind: "getSessionToken", durationSeconds: undefined, mfa: undefined, ...change };
}
