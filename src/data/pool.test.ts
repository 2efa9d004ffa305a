import { afterEach, expect, test } from "bun:test";
import { createServer } from "node:net";
import { systemClock } from "#kernel/base/clock.ts";
import { slotLayout } from "#kernel/metrics/operation-index.ts";
import type { DataSettings, Snapshot } from "#kernel/protocol/snapshot.ts";
import type { WorkerCall } from "#kernel/protocol/to-control.ts";
import { entriesWith } from "#testing/identities.ts";
import type { WorkerLife, WorkersOptions } from "./pool/data-workers.ts";
import { openPool, type Pool } from "./pool.ts";

const settings: DataSettings = {
  "security.signature_v2": "off",
  "s3.region": "us-east-1",
  "s3.strict_region": false,
  "s3.allow_sse_c_http": false,
  "server.s3_domains": [],
  "server.trusted_proxies": [],
  "system.maintenance_mode": false,
  "system.max_upload_size_mb": 1,
  "storage.inline_threshold": 1,
  "storage.reserve_bytes": 1,
  "history.window": 1,
  "logging.access_enabled": false,
  "audit.log_data_events": "none",
  "audit.on_failure": "continue",
  "tracing.enabled": false,
  "tracing.sample_percent": 1,
  "server.max_connections_per_address": 0,
};

/** A pool of fakes, the lives it has now and all that was logged and said. */
interface Rig {
  readonly pool: Pool;
  readonly lives: WorkerLife[];
  readonly said: WorkerCall[];
  readonly logged: string[];
}

let open: Rig | undefined;

afterEach(async () => {
  await open?.pool.end();
  open = undefined;
});

async function openRig(dataDir = "/nowhere"): Promise<Rig> {
  const logged: string[] = [];
  const pool = await openPool({
    dataDir,
    workerUrl: new URL("../testing/fake-data-worker.ts", import.meta.url),
    writerUrl: new URL("../testing/fake-catalog-writer.ts", import.meta.url),
    writerSettings: { historyWindowMs: 1, reserveBytes: 1 },
    monotonicMs: systemClock.monotonicMs,
    log: (level, message, fields) => logged.push(`${level} ${message} ${JSON.stringify(fields)}`),
  });
  open = { pool, lives: [], said: [], logged };
  return open;
}

function workersOptions({ lives, said }: Rig, workerCount: number, s3Port = 0): WorkersOptions {
  const snapshot: Snapshot = { number: 7, entries: entriesWith(), settings };
  return {
    workerCount,
    listen: { s3Host: "127.0.0.1", s3Port, idleTimeoutSeconds: 60, maxConnections: 1_000 },
    keys: [],
    link: {
      attach: (life) => {
        lives.push(life);
        return snapshot;
      },
      detach: (life) => void lives.splice(lives.indexOf(life), 1),
      receive: (_life, message) => void said.push(message),
    },
  };
}

async function openRunning(workerCount = 2): Promise<Rig> {
  const rig = await openRig();
  await rig.pool.startWorkers(workersOptions(rig, workerCount));
  return rig;
}

function demand(life: WorkerLife | undefined, value: string): void {
  life?.send({ kind: "answer", id: 0, result: { ok: true, value } });
}

/** What a promise rejects with. (`expect().rejects` runs the event loop inside itself, where messages of threads get stuck.) */
function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 4000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`Not reached in time: ${condition}`);
    await Bun.sleep(5);
  }
}

test("Pool: all workers start from the snapshot and are up", async () => {
  const { pool, said, lives } = await openRunning(3);
  await until(() => said.length === 3);
  expect(said).toEqual([7, 7, 7].map((number) => ({ kind: "applied", number })));
  expect(lives.map(({ name }) => name)).toEqual(["worker 0", "worker 1", "worker 2"]);
  expect(pool.health()).toEqual({ isWriterUp: true, upWorkerCount: 3, workerCount: 3 });
});

for (const way of ["throw", "reject", "exit"]) {
  test(`Pool: a worker that ends by ${way} is started again, counted and logged; the others go on`, async () => {
    const { pool, lives, logged } = await openRunning();
    const [first, second] = lives;
    demand(first, way);
    await until(() => pool.health().upWorkerCount === 1 || pool.threads()[0]?.restartCount === 1);
    await until(() => pool.health().upWorkerCount === 2);
    expect(pool.threads().map(({ worker, restartCount }) => [worker, restartCount])).toEqual([
      ["0", 1],
      ["1", 0],
      ["writer", 0],
    ]);
    expect(lives).toContain(second as WorkerLife);
    expect(lives).not.toContain(first as WorkerLife);
    expect(logged.some((line) => line.startsWith("error A thread ended") && line.includes('"thread":"worker 0"'))).toBe(
      true,
    );
  });
}

test("Pool: a worker's slot goes on counting in its next life", async () => {
  const { pool, lives } = await openRunning(1);
  demand(lives[0], "exit");
  await until(() => pool.threads()[0]?.restartCount === 1 && pool.health().upWorkerCount === 1);
  const cells = new Float64Array(pool.threads()[0]?.slot ?? new ArrayBuffer(0));
  expect(cells[slotLayout.commitBatch]).toBe(2);
});

test("endWorker: ends a worker that spins for ever; the next life follows", async () => {
  const { pool, lives } = await openRunning();
  const [first] = lives;
  demand(first, "spin");
  await Bun.sleep(50);
  if (first) await pool.endWorker(first, "silent");
  expect(lives).not.toContain(first as WorkerLife);
  await until(() => pool.health().upWorkerCount === 2);
});

test("Pool: workers talk to the writer, and to the next one after it died", async () => {
  const { pool, lives, logged } = await openRunning();
  const commitAll = async (): Promise<void> => {
    const before = logged.filter((line) => line.startsWith("debug committed")).length;
    for (const life of lives) demand(life, "commit");
    await until(() => logged.filter((line) => line.startsWith("debug committed")).length === before + 2);
  };
  await commitAll();
  expect(await failureOf(pool.catalogs.create("throw", "t"))).toMatchObject({ code: "ServiceUnavailable" });
  await until(() => pool.health().isWriterUp);
  expect(pool.threads().at(-1)).toMatchObject({ worker: "writer", restartCount: 1, up: true });
  await commitAll();
  await pool.probe();
});

test("catalogs: outcomes and failures of the writer reach the caller", async () => {
  const { pool } = await openRig();
  await pool.catalogs.create("a", "t");
  await pool.catalogs.remove("a");
  expect(await pool.catalogs.close("a")).toBe("closed");
  expect(await pool.catalogs.close("full")).toBe("notEmpty");
  expect(await failureOf(pool.catalogs.create("broken", "t"))).toMatchObject({ code: "InternalError" });
  const hanging = failureOf(pool.catalogs.create("hang", "t"));
  await pool.end();
  expect(await hanging).toMatchObject({ code: "ServiceUnavailable" });
  expect(await failureOf(pool.probe())).toMatchObject({ code: "ServiceUnavailable" });
});

test("openPool: fails when the writer does not come up", async () => {
  expect(await failureOf(openRig("/refuse"))).toMatchObject({
    name: "PoolStartError",
    message: expect.stringContaining("The fake writer refuses this folder"),
  });
});

test("startWorkers: fails when a worker does not come up or somebody has the port", async () => {
  const rig = await openRig();
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen(0, "127.0.0.1", resolve));
  const address = holder.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  expect(await failureOf(rig.pool.startWorkers(workersOptions(rig, 1, port)))).toMatchObject({
    name: "PoolStartError",
  });
  holder.close();
  expect(await failureOf(rig.pool.startWorkers(workersOptions(rig, 1, 1)))).toMatchObject({
    message: expect.stringContaining("refuses port 1"),
  });
});

test("stop: drained workers and the writer end and are not started again", async () => {
  const { pool, lives } = await openRunning();
  await pool.stop();
  expect(lives).toEqual([]);
  expect(pool.health()).toMatchObject({ isWriterUp: false, upWorkerCount: 0 });
  await Bun.sleep(150);
  expect(pool.threads().map(({ up, restartCount }) => [up, restartCount])).toEqual(Array(3).fill([false, 0]));
});

test("stop: a worker with progress is waited for no longer than the whole may take", async () => {
  const { pool, lives } = await openRunning();
  demand(lives[0], "busy");
  demand(lives[1], "busy");
  await pool.stop({ stallMs: 60_000, totalMs: 500 });
  expect(lives).toEqual([]);
});

test("stop: a worker without progress is cut, one with progress is waited for, end cuts it", async () => {
  const { pool, lives } = await openRunning();
  demand(lives[0], "stall");
  demand(lives[1], "busy");
  const [stalled, busy] = lives;
  const stopping = pool.stop({ stallMs: 600, totalMs: 60_000 });
  await until(() => !lives.includes(stalled as WorkerLife));
  await Bun.sleep(700);
  expect(lives).toContain(busy as WorkerLife);
  await pool.end();
  await stopping;
  expect(lives).toEqual([]);
});

test("catalogs.usage: what many buckets hold, asked for page by page; those that cannot be read are left out", async () => {
  const { pool } = await openRig();
  const bucketIds = Array.from({ length: 130 }, (_, n) => "b".repeat(n));
  const usages = await pool.catalogs.usage(bucketIds);
  expect([...usages.keys()]).toEqual(bucketIds.slice(1));
  expect(usages.get("bbb")).toEqual({ bytes: 3, objects: 1 });
});

test("catalogs.own: every life of the writer is told whose buckets are, new ones included, removed ones not", async () => {
  const { pool, logged } = await openRig();
  const told = () =>
    logged
      .filter((line) => line.startsWith("info owners"))
      .map((line) => JSON.parse(line.slice("info owners ".length)).owners);
  pool.catalogs.own([
    ["a", "t"],
    ["b", "t"],
  ]);
  await pool.catalogs.create("c", "u");
  await pool.catalogs.remove("a");
  pool.catalogs.own([["b", "u"]]);
  await failureOf(pool.catalogs.create("throw", "t"));
  await until(() => told().length === 4);
  expect(told()).toEqual(["", "a,t b,t", "b,u", "b,u c,u throw,t"]);
});
