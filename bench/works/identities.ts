import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { AccessKeyStore } from "#control/access-keys/access-key-store.ts";
import { openControlDatabase } from "#control/database/open-control-database.ts";
import { readRootKeyId } from "#control/encryption/key-encryption-keys.ts";
import { deriveKey, openRootKey } from "#control/encryption/root-key.ts";
import { Sealer } from "#control/encryption/seal.ts";
import { systemRandom } from "#kernel/base/random.ts";
import { type BenchContext, newCredentials } from "../bench-context.ts";
import { processMemory } from "../load/process-usage.ts";
import { emptySha256, RequestSigner } from "../load/request-signer.ts";
import { benchRegion, type MeasuredServer } from "../measured-server.ts";
import type { ReportRow } from "../report.ts";

const bucket = "bench-identities";
const readers = 16;
const revocationTargetMs = 100;
/** How long the readers of one trial have been at it when the key goes. */
const headStartMs = 30;
const keysPerUser = 2;
const usersPerPolicy = 10;
const startTargetMs = 1_000;
const settleMs = 2_000;

interface Key {
  readonly accessKeyId: string;
  readonly secretKey: string;
}

/** How long after the call began a deleted key still got an answer, over many connections and all workers. */
export async function measureRevocation(bench: BenchContext): Promise<ReportRow[]> {
  return bench.withServer({}, async (server) => {
    await server.createBucket(bucket);
    await (await server.request("PUT", { path: `/${bucket}/key`, body: "x" })).text();
    const user = (await server.control("POST", "users", { name: "bench" })) as { readonly userId: string };
    await server.control("PUT", `users/${user.userId}/policies/readonly`, {});
    const trials = bench.options.short ? 20 : 100;
    const lastMs: number[] = [];
    let late = 0;
    let wrong = 0;
    for (let trial = 0; trial < trials; trial += 1) {
      const key = (await server.control("POST", "access-keys", { userName: "bench" })) as Key;
      const { lastSuccessMs, afterAnswer, wrongEnds } = await revokeUnderLoad(server, key);
      lastMs.push(lastSuccessMs);
      late += afterAnswer;
      wrong += wrongEnds;
    }
    lastMs.sort((left, right) => left - right);
    return [
      {
        work: `revoked key: last success after the call began, maximum of ${trials}`,
        measured: lastMs.at(-1) ?? 0,
        unit: "ms",
        wanted: { kind: "most", target: revocationTargetMs },
        limit: `median ${(lastMs[trials / 2] ?? 0).toFixed(1)} ms`,
        errorCount: late + wrong,
        notes: [
          ...(late === 0 ? [] : [`${late} requests succeeded that began after the answer`]),
          ...(wrong === 0 ? [] : [`${wrong} readers never succeeded, or were not refused for their key`]),
        ],
      },
    ];
  });
}

/**
 * Deletes a key while many connections use it.
 * @returns when the last request began that succeeded, how many began too late, and how many readers had no success before
 * or another end than a refusal
 */
async function revokeUnderLoad(server: MeasuredServer, key: Key) {
  const host = `${server.host}:${server.port}`;
  const signer = new RequestSigner({ accessKey: key.accessKeyId, secretKey: key.secretKey, region: benchRegion, host });
  const begun: number[] = [];
  let wrongEnds = 0;
  const read = async (): Promise<void> => {
    for (let successes = 0; ; successes += 1) {
      const atMs = performance.now();
      const path = `/${bucket}/key`;
      const headers = signer.signHeaders({ method: "GET", path, query: "", sha256: emptySha256 });
      const response = await fetch(`http://${host}${path}`, { headers });
      await response.arrayBuffer();
      if (response.status !== 200) {
        if (successes === 0 || response.status !== 403) wrongEnds += 1;
        return;
      }
      begun.push(atMs);
    }
  };
  const reading = Promise.all(Array.from({ length: readers }, read));
  await Bun.sleep(headStartMs);
  const startedMs = performance.now();
  await server.control("DELETE", `access-keys/${key.accessKeyId}`);
  const answeredMs = performance.now();
  await reading;
  const lastSuccessMs = Math.max(0, ...begun.map((atMs) => atMs - startedMs));
  return { lastSuccessMs, afterAnswer: begun.filter((atMs) => atMs > answeredMs).length, wrongEnds };
}

/** Start and memory with many identities, against the same with one user. */
export async function measureIdentities(bench: BenchContext): Promise<ReportRow[]> {
  const users = bench.options.short ? 1_000 : 10_000;
  const credentials = newCredentials();
  const dataFolder = join(bench.folder, "identities");
  mkdirSync(dataFolder, { recursive: true });
  const observe = async (workers: number) =>
    bench.withServer({ dataFolder, workers, ...credentials }, async (server) => {
      await Bun.sleep(settleMs);
      return { startMs: server.startMs, bytes: processMemory(server.pid).residentBytes };
    });
  await observe(1);
  const few = [await observe(1), await observe(3)] as const;
  await seedIdentities(dataFolder, users);
  const many = [await observe(1), await observe(3)] as const;
  const shared = { limit: "", errorCount: 0, notes: [] };
  const perWorker = (many[1].bytes - many[0].bytes - (few[1].bytes - few[0].bytes)) / 2 / 2 ** 20;
  const what = `${users} users, ${users * keysPerUser} keys, ${users / usersPerPolicy} policies`;
  return [
    {
      ...shared,
      work: `start, ${what}`,
      measured: many[0].startMs,
      unit: "ms",
      wanted: { kind: "most", target: startTargetMs },
    },
    { ...shared, work: "start, one user", measured: few[0].startMs, unit: "ms", wanted: { kind: "none" } },
    {
      ...shared,
      work: `what one more worker's RSS grows by with ${what}`,
      measured: perWorker,
      unit: "MiB",
      wanted: { kind: "none" },
    },
  ];
}

/** Fills the tables of a stopped server. */
async function seedIdentities(dataFolder: string, users: number): Promise<void> {
  const policies = users / usersPerPolicy;
  const database = await openControlDatabase(dataFolder);
  const wantedId = await readRootKeyId(database);
  const rootKey = openRootKey({
    dataDir: dataFolder,
    given: undefined,
    wantedId,
    hasObjects: true,
    random: systemRandom,
  });
  const store = new AccessKeyStore(new Sealer(deriveKey(rootKey, "control-secrets"), systemRandom));
  const document = JSON.stringify({
    Version: "2012-10-17",
    Statement: { Effect: "Allow", Action: "s3:GetObject", Resource: `arn:aws:s3:::${bucket}/*` },
  });
  await database.transaction(async (queries) => {
    const [tenant] = await queries.all("SELECT tenant_id FROM tenants");
    const tenantId = String(tenant?.["tenant_id"]);
    for (let number = 0; number < policies; number += 1) {
      const policyId = `ANPA${String(number).padStart(16, "A")}`;
      await queries.run(
        `INSERT INTO managed_policies (policy_id, tenant_id, path, name, name_folded, description, default_version,
           last_version, tags, created_at_ms, updated_at_ms, revision) VALUES ($1, $2, '/', $3, $4, '', 1, 1, '[]', 0, 0, 1)`,
        [policyId, tenantId, `p${number}`, `p${number}`],
      );
      await queries.run(
        "INSERT INTO policy_versions (policy_id, version, document, created_at_ms) VALUES ($1, 1, $2, 0)",
        [policyId, document],
      );
    }
    for (let number = 0; number < users; number += 1) {
      const userId = `AIDA${String(number).padStart(16, "A")}`;
      await queries.run(
        `INSERT INTO users (user_id, tenant_id, name, name_folded, is_global, created_at_ms) VALUES ($1, $2, $3, $4, 0, 0)`,
        [userId, tenantId, `u${number}`, `u${number}`],
      );
      await queries.run("INSERT INTO policy_attachments (identity_id, policy_id) VALUES ($1, $2)", [
        userId,
        `ANPA${String(number % policies).padStart(16, "A")}`,
      ]);
      for (let key = 0; key < keysPerUser; key += 1) {
        const { accessKey: accessKeyId, secretKey } = newCredentials();
        const rest = { policy: null, description: "", expiresAtMs: null, limits: {}, createdAtMs: 0 };
        await store.insert(queries, { accessKeyId: `${accessKeyId}-${number}-${key}`, secretKey, userId, ...rest });
      }
    }
  });
  await database.close();
}
