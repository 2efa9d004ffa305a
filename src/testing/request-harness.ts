import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { UserIdentity } from "#data/authorize.ts";
import { BufferPool } from "#data/blobs/buffer-pool.ts";
import { nodeDisk } from "#data/blobs/disk.ts";
import { DiskBlobs } from "#data/blobs/disk-blobs/disk-blobs.ts";
import { DiskSpace } from "#data/blobs/disk-space.ts";
import { ChangeSlots, createChangeTable } from "#data/cache/change-slots.ts";
import { ObjectCache } from "#data/cache/object-cache.ts";
import { SqliteCatalogReader } from "#data/catalog/sqlite-catalog/sqlite-catalog-reader.ts";
import { WriterClient } from "#data/catalog/writer-client.ts";
import { ChecksumPool } from "#data/checksum/running-checksum.ts";
import { ControlClient } from "#data/control-client.ts";
import { ObjectKeyRing } from "#data/crypto/object-key-ring.ts";
import type { DataPlane } from "#data/data-plane.ts";
import { Diagnostics } from "#data/diagnostics/diagnostics.ts";
import { DataEvents } from "#data/http/data-events.ts";
import { ContinuationTokens } from "#data/listing/continuation-token.ts";
import { createUsageTable, UsageTable } from "#data/quota/usage-table.ts";
import { createRateTable, RateTable } from "#data/rate/rate-table.ts";
import { RequestLimits } from "#data/rate/request-limits.ts";
import { BodyBudget, maxGatheredBytes } from "#data/request/body-budget.ts";
import { KeyUses } from "#data/request/key-uses.ts";
import { RunningRequests } from "#data/request/running-requests.ts";
import { type RequestParts, S3Request } from "#data/request/s3-request.ts";
import { SnapshotStore } from "#data/snapshot-store.ts";
import { randomBytes } from "#kernel/base/random.ts";
import { IdentityPolicies } from "#kernel/policy/identity-policies.ts";
import type { TenantEntry } from "#kernel/protocol/identities.ts";
import type { BucketEntry } from "#kernel/protocol/snapshot.ts";
import { parseObjectKey } from "#kernel/s3/object-key.ts";
import { operationTable } from "#kernel/s3/operation-table.ts";
import { parseQuery } from "#kernel/s3/query-parameters.ts";
import { testDataSettings } from "./data-settings.ts";
import { FakeClock } from "./fake-clock.ts";
import { entriesWith, type Grant, testKey, testTenant, userWith } from "./identities.ts";

/** A bucket of the tenant `tenant`. */
export const harnessBucket: BucketEntry = {
  bucketId: "BUCKET",
  name: "bucket",
  tenantId: "tenant",
  accountId: "123456789012",
  ownerCanonicalId: "c".repeat(64),
  ownerDisplayName: "owner",
  region: "us-east-1",
  createdAtMs: 0,
  versioning: "never",
  tags: [],
  quota: {},
};

/** The holder of a key of `testTenant` whose user may do this much. */
export function identityWith(grants: readonly Grant[], change: Partial<TenantEntry> = {}): UserIdentity {
  const [tenant, user] = [{ ...testTenant, ...change }, userWith(grants)];
  const none = { findGroup: () => undefined, findPolicy: () => undefined };
  const resolved = new IdentityPolicies(none).resolveUser({ user, tenant, narrowing: [] });
  return { kind: "user", key: testKey, user, tenant, ...resolved };
}

/** A plane whose parts are real and lead nowhere: an absent data folder, a writer and a control thread that never answer. */
function makePlane(dataDir = "/nonexistent", settings: Partial<DataPlane["snapshot"]["settings"]> = {}): DataPlane {
  const keys = [{ version: 1, key: randomBytes(32) }];
  const all = { ...testDataSettings, ...settings };
  const clock = new FakeClock();
  const snapshot = new SnapshotStore({ number: 1, entries: entriesWith({ bucket: [harnessBucket] }), settings: all });
  const table = createRateTable(1);
  const rates = new RateTable({ table, workerIndex: 0, workerCount: 1, nowMs: () => clock.nowMs() });
  return {
    config: {
      dataDir,
      workerIndex: 0,
      workerCount: 1,
      s3Host: "127.0.0.1",
      s3Port: 0,
      idleTimeoutSeconds: 60,
      maxConnections: 1_000,
    },
    clock,
    snapshot,
    catalog: new SqliteCatalogReader(dataDir),
    cache: new ObjectCache(new ChangeSlots(createChangeTable()), 2 ** 20),
    writer: new WriterClient(),
    blobs: new DiskBlobs({ disk: nodeDisk, pool: new BufferPool(2), dataDir }),
    keyRing: new ObjectKeyRing(keys),
    continuationTokens: new ContinuationTokens(keys),
    checksums: new ChecksumPool(),
    control: new ControlClient(() => {}),
    limits: new RequestLimits(rates, snapshot),
    usage: new UsageTable(createUsageTable()),
    bodyBudget: new BodyBudget(maxGatheredBytes),
    formBudget: new BodyBudget(maxGatheredBytes),
    disk: new DiskSpace(dataDir, () => 0),
    running: new RunningRequests(),
    keyUses: new KeyUses({ clock, send: () => {}, after: () => {} }),
    dataEvents: new DataEvents({
      ...{ mode: () => "none", onFailure: () => "continue" },
      ...{ send: () => {}, onDropped: () => {}, after: () => {} },
    }),
    diagnostics: new Diagnostics(clock, { add: () => {} }),
    log: () => {},
    reportProblem: () => {},
    damagedObjects: { note: () => undefined },
  };
}

/** Makes requests for code that takes an `S3Request`: each is a real one over a socket, as the handler sees it. */
export class RequestHarness {
  readonly #server: Server;
  #handle: (message: IncomingMessage, response: ServerResponse) => Promise<void> = async () => {};

  constructor() {
    this.#server = createServer((message, response) => {
      this.#handle(message, response).catch((error: unknown) => {
        response.statusCode = 599;
        response.end(error instanceof Error && "code" in error ? String(error.code) : String(error));
      });
    });
  }

  async open(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
  }

  /**
   * Sends a request and gives what `work` did with it. An error it throws comes back as status 599 with its code.
   * @param init `path` with a leading slash; `parts` replace what the request is made of, `plane` parts of its plane
   */
  run(
    work: (request: S3Request) => Promise<void> | void,
    init: RequestInit & {
      readonly path?: string;
      readonly parts?: Partial<RequestParts>;
      readonly plane?: Partial<DataPlane>;
    } = {},
  ): Promise<Response> {
    const { path = "/bucket/key", parts = {}, plane = {}, ...rest } = init;
    const all = { plane: { ...makePlane(), ...plane }, ...parts };
    this.#handle = async (message, response) => work(makeRequest(message, response, all));
    const address = this.#server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    return fetch(`http://127.0.0.1:${port}${path}`, rest);
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

function makeRequest(
  message: IncomingMessage,
  response: ServerResponse,
  parts: Partial<RequestParts> & Pick<RequestParts, "plane">,
): S3Request {
  const [path = "/", query = ""] = (message.url ?? "/").split(/\?(.*)/s, 2);
  const [, bucketName, ...keyParts] = path.split("/");
  const key = keyParts.join("/");
  return new S3Request({
    id: "REQUEST0",
    message,
    response,
    spec: operationTable.GetObject,
    query: parseQuery(query),
    headers: message.headers,
    authentication: { kind: "anonymous", payload: { kind: "unsigned" } },
    identity: { kind: "anonymous" },
    bucketName: bucketName === "" ? undefined : bucketName,
    bucketEntry: bucketName === harnessBucket.name ? harnessBucket : undefined,
    objectKey: key === "" ? undefined : parseObjectKey(decodeURIComponent(key)),
    awaitsContinue: false,
    ...parts,
  });
}
