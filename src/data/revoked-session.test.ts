import { afterAll, expect, test } from "bun:test";
import type { RoleEntry } from "#kernel/protocol/identities.ts";
import type { SnapshotChange } from "#kernel/protocol/snapshot.ts";
import { deriveSessionSecret, sealSessionToken } from "#kernel/sts/session-token.ts";
import { openConnection, type RawConnection } from "#testing/acceptance/raw-connection.ts";
import { renderHead } from "#testing/acceptance/s3-client.ts";
import { seededBytes } from "#testing/acceptance/test-data.ts";
import { policyOf, testKey, testTenant } from "#testing/identities.ts";
import { startPoolServer } from "#testing/pool-server.ts";
import { presignUrl, signRequest } from "#testing/s3-signer.ts";
import { testSession } from "#testing/session-content.ts";

const server = await startPoolServer({ buckets: { bucket: "never" } });
afterAll(() => server.remove());
const administrator = server.bucket("bucket");
const base = `http://127.0.0.1:${server.s3.port}`;
/** More than sockets and streams hold for a client that does not read. */
await administrator.put("large", seededBytes(64 * 2 ** 20, 3));
await administrator.put("small", "x");

const tokenKey = { keyId: "01020304", key: new Uint8Array(32).fill(1) };
const userId = `AIDA${server.s3.credentials.accessKeyId}`;
const role: RoleEntry = {
  roleId: "AROATESTROLE00000000",
  tenantId: testTenant.tenantId,
  ...{ name: "builder", path: "/", policyIds: [], tags: [], boundaryPolicyId: null },
  inlinePolicies: [{ name: "p", text: policyOf([{ actions: ["s3:*"], resources: ["*"] }]) }],
};
server.publish([
  { kind: "tokenKey", id: tokenKey.keyId, value: tokenKey },
  { kind: "role", id: role.roleId, value: role },
  { kind: "key", id: testKey.accessKeyId, value: testKey },
]);

interface TemporaryKey {
  readonly accessKeyId: string;
  readonly secretKey: string;
  readonly securityToken: string;
}

/** Temporary credentials of the role, as the control thread gives them out. */
function makeSession(name: string): TemporaryKey {
  const accessKeyId = `ASIA${name.padEnd(16, "0")}`;
  const issuedAtMs = Date.now();
  const times = { issuedAtMs, expiresAtMs: issuedAtMs + 3_600_000 };
  const content = { ...testSession, ...times, principalId: role.roleId, sessionName: name, lineage: [userId] };
  const securityToken = sealSessionToken(content, {
    key: tokenKey,
    accessKeyId,
    nonce: new Uint8Array(12).fill(name.length),
  });
  return { accessKeyId, secretKey: deriveSessionSecret(tokenKey.key, accessKeyId), securityToken };
}

async function codeOf(key: TemporaryKey): Promise<string> {
  const url = `${base}/bucket/small`;
  const response = await fetch(
    presignUrl({ ...key, method: "GET", url, region: "r", date: new Date(), expiresSeconds: 60 }),
  );
  return /<Code>(.*?)</.exec(await response.text())?.[1] ?? String(response.status);
}

async function untilCode(key: TemporaryKey, code: string): Promise<void> {
  while ((await codeOf(key)) !== code) await Bun.sleep(5);
}

/** A request of the session whose head is sent. */
async function begin(
  key: TemporaryKey,
  method: string,
  { path, body }: { path: string; body?: Uint8Array },
): Promise<RawConnection> {
  const connection = await openConnection({ port: server.s3.port });
  if (method === "GET") connection.pause();
  const request = {
    ...key,
    method,
    url: `${base}${path}`,
    region: "us-east-1",
    date: new Date(),
    ...(body && { body }),
  };
  const length = body === undefined ? {} : { "content-length": String(body.length) };
  await connection.write(renderHead(method, path, { ...signRequest(request), ...length }));
  return connection;
}

const revocation = (revocationId: string): SnapshotChange => ({
  ...{ kind: "revocation", id: revocationId, value: { revocationId, beforeMs: Date.now() + 1 } },
});

const ends: readonly (readonly [name: string, code: string, change: () => SnapshotChange])[] = [
  ["REVOKED", "ExpiredToken", () => revocation("ASIAREVOKED000000000")],
  ["ALLOFROLE", "ExpiredToken", () => revocation(role.roleId)],
  ["ALLOFUSER", "ExpiredToken", () => revocation(userId)],
  ["ROLEGONE", "InvalidAccessKeyId", () => ({ kind: "role", id: role.roleId, value: null })],
];

test.each(ends)(
  "session %s: an upload under way stores nothing, a download under way ends, new requests are %s",
  async (name, code, change) => {
    const key = makeSession(name);
    await untilCode(key, "200");
    const body = seededBytes(2 * 2 ** 20, 3);
    const upload = await begin(key, "PUT", { path: `/bucket/up-${name}`, body });
    await upload.write(body.subarray(0, 2 ** 20));
    const download = await begin(key, "GET", { path: "/bucket/large" });
    // Whoever was served after them: both are under way.
    expect(await codeOf(key)).toBe("200");
    server.publish([change()]);
    await untilCode(key, code);
    upload.write(body.subarray(2 ** 20)).catch(() => undefined);
    await expect(upload.readResponse("PUT")).rejects.toThrow();
    download.resume();
    await expect(download.readResponse("GET")).rejects.toThrow();
    for (const connection of [upload, download]) connection.destroy();
    expect((await administrator.head(`up-${name}`)).status).toBe(404);
  },
);
