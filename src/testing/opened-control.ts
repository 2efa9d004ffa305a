import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Control } from "#control/control.ts";
import { createLog } from "#control/observe/log.ts";
import { registerPoolMetrics } from "#control/observe/pool-metrics.ts";
import { type ControlOptions, openControl } from "#control/open-control.ts";
import { describeRoutes } from "#control/openapi/describe-routes.ts";
import { systemClock } from "#kernel/base/clock.ts";
import { systemRandom } from "#kernel/base/random.ts";
import { AnswerCheck } from "./answer-check.ts";

/** An access key as `fetch` sends it. */
interface Credentials {
  readonly accessKeyId: string;
  readonly secretKey: string;
}

/** A control plane that listens on a free port of the loopback address, without writer and workers. */
export interface OpenedControl {
  readonly control: Control;
  readonly dataDir: string;
  /** Of the console. */
  readonly port: number;
  /** What was logged, at every level. */
  readonly lines: readonly string[];
  /** Holds answers of the control API against its document. */
  readonly answers: AnswerCheck;
  /**
   * A request to the console port; `as` adds HTTP Basic, a body is JSON unless it says otherwise. An answer that is not as the
   * OpenAPI document says fails the test.
   */
  readonly fetch: (path: string, init?: RequestInit & { readonly as?: Credentials | undefined }) => Promise<Response>;
}

/** The administrator of `makeControlOptions`. */
export const testAdministrator = {
  accessKeyId: "AKIAFIRSTFIRSTFIRST1",
  secretKey: "first/secret+of=the:administrator",
};

/** Password of the administrator `admin` of `makeControlOptions`. */
export const testPassword = "Correct-Horse-9";

const opened = new Set<Control>();
let known: AnswerCheck | undefined;
const folders = new Set<string>();

/** Options with an empty data folder, catalogs that always succeed, and a log into `lines`. */
export function makeControlOptions(lines: string[] = []): ControlOptions {
  const dataDir = mkdtempSync(join(tmpdir(), "maxiofs-control-"));
  folders.add(dataDir);
  return {
    dataDir,
    version: "1.2.3",
    consoleListen: { host: "127.0.0.1", port: 0 },
    s3Port: 9000,
    administrator: testAdministrator,
    firstLogIn: { password: testPassword },
    passwordCost: { memoryKiB: 8, timeCost: 1 },
    settings: {},
    clock: systemClock,
    random: systemRandom,
    log: createLog({ level: "debug", format: "json", clock: systemClock, output: (line) => void lines.push(line) }),
    catalogs: {
      create: async () => undefined,
      close: async () => "closed",
      remove: async () => undefined,
      own: () => {},
      usage: async () => new Map(),
    },
    probes: [],
    registerMetrics: (registry, metrics) => registerPoolMetrics(registry, { threads: () => [] }, metrics),
    endSilentWorker: () => Promise.resolve(),
  };
}

/** Opens and starts a control plane; `closeControls` ends it. */
export async function startControl(change: Partial<ControlOptions> = {}): Promise<OpenedControl> {
  const lines: string[] = [];
  const options = { ...makeControlOptions(lines), ...change };
  const control = await openControl(options);
  opened.add(control);
  const port = await control.start();
  control.announceReady();
  known ??= new AnswerCheck(await describeRoutes(control.routes, options.version));
  const answers = known;
  const call: OpenedControl["fetch"] = async (path, { as, ...init } = {}) => {
    const headers = new Headers(init.headers);
    if (as) headers.set("authorization", `Basic ${btoa(`${as.accessKeyId}:${as.secretKey}`)}`);
    if (init.body !== undefined && !headers.has("content-type")) headers.set("content-type", "application/json");
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { ...init, headers });
    const text = isStream(response) ? "" : await response.clone().text();
    answers.check({ method: init.method ?? "GET", path, status: response.status, headers: response.headers, text });
    return response;
  };
  return { control, dataDir: options.dataDir, port, lines, answers, fetch: call };
}

/** The live stream has no end. */
function isStream(response: Response): boolean {
  return response.headers.get("content-type")?.startsWith("text/event-stream") === true;
}

/** Ends one control plane; its data folder stays until `closeControls`. */
export async function closeControl(control: Control): Promise<void> {
  opened.delete(control);
  await control.close();
}

/** Ends every control plane of this test and removes the folders. */
export async function closeControls(): Promise<void> {
  for (const control of opened) await closeControl(control);
  for (const folder of folders) rmSync(folder, { recursive: true });
  folders.clear();
}
