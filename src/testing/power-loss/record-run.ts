import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { clientOf, type S3Response } from "../acceptance/s3-client.ts";
import { seededRandom } from "../acceptance/test-data.ts";
import type { Action } from "./action.ts";
import { compareWithDisk } from "./compare-with-disk.ts";
import type { DiskHistory } from "./disk-step.ts";
import { planWorkload } from "./plan-workload.ts";
import { readDiskHistory } from "./read-disk-history.ts";
import { scratchParent } from "./scratch-parent.ts";
import { ActionSender } from "./send-action.ts";
import { TracedServer } from "./traced-server.ts";

/** What one client did: each action was answered with success before the next one was sent. */
export interface ClientRecord {
  /** Its buckets begin with it. */
  readonly name: string;
  readonly actions: readonly { readonly action: Action; readonly requestId: string }[];
  /** The server's upload ids by the workload's numbers. */
  readonly uploadIds: ReadonlyMap<number, string>;
}

/** A whole run: what the server did to its folder and what it promised to whom. */
export interface RecordedRun {
  readonly history: DiskHistory;
  readonly clients: readonly ClientRecord[];
}

/** Size of a run. */
export interface RecordOptions {
  readonly seed: number;
  readonly clientCount: number;
  readonly actionsPerClient: number;
}

/**
 * Starts a traced server with an empty data folder, lets all clients work at once, ends it in good order.
 * @throws Error when a request is not answered with success: the run is to show a healthy server
 */
export async function recordRun(options: RecordOptions): Promise<RecordedRun> {
  const scratch = mkdtempSync(join(scratchParent(), "maxiofs-power-loss-"));
  const baseDir = join(scratch, "base");
  mkdirSync(baseDir);
  let traced: TracedServer | undefined;
  try {
    traced = await TracedServer.start(baseDir, join(scratch, "syscalls.log"));
    const clients = await runClients(traced, options);
    const calls = await traced.stop();
    const history = readDiskHistory(calls, baseDir);
    const differences = compareWithDisk(history, baseDir);
    if (differences.length > 0) throw new Error(`The log does not explain the disk: ${differences.join(", ")}`);
    return { history, clients };
  } finally {
    traced?.kill();
    rmSync(scratch, { recursive: true, force: true });
  }
}

function runClients(traced: TracedServer, options: RecordOptions): Promise<ClientRecord[]> {
  const names = Array.from({ length: options.clientCount }, (_, index) => `client${index}`);
  return Promise.all(
    names.map((name, index) => {
      const plan = planWorkload(name, seededRandom(options.seed * 1_000 + index), options.actionsPerClient);
      return runClient(name, plan, traced);
    }),
  );
}

async function runClient(name: string, plan: readonly Action[], traced: TracedServer): Promise<ClientRecord> {
  const s3 = clientOf(traced.server);
  const sender = new ActionSender(s3);
  const actions: { action: Action; requestId: string }[] = [];
  try {
    for (const action of plan) actions.push({ action, requestId: requireSuccess(action, await sender.send(action)) });
  } finally {
    s3.close();
  }
  return { name, actions, uploadIds: sender.uploadIds };
}

function requireSuccess(action: Action, response: S3Response): string {
  const requestId = response.headers["x-amz-request-id"];
  if (response.status < 300 && response.code === "" && requestId !== undefined) return requestId;
  throw new Error(`${JSON.stringify(action)} answered ${response.status}: ${response.text}`);
}
