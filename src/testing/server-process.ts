import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { ApiDocument } from "#control/openapi/describe-routes.ts";
import { AnswerCheck } from "./answer-check.ts";
import { Canaries } from "./canaries.ts";
import { type Grant, policyOf } from "./identities.ts";

/** An access key with its secret. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretKey: string;
}

/** How a test wants its server. */
export interface ServerOptions {
  /** Data workers, 1 to 64; 2 when absent, so that requests of one test meet different threads. */
  readonly workers?: number;
  /** Further `MAXIOFS_*` variables; undefined takes one away that would be set. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Further command line arguments of `serve`. */
  readonly args?: readonly string[];
  /** Milliseconds until the server must be ready, 20,000 when absent. */
  readonly startTimeoutMs?: number;
}

const repositoryRoot = resolve(import.meta.dirname, "../..");
const administrator: Credentials = {
  accessKeyId: "AKIAACCEPTANCE000001",
  secretKey: "acceptance/secret+of/the=administrator01",
};
/** Password of the first administrator, `admin`. */
export const administratorPassword = "Acceptance-Horse-1";
/** Longer files of a data folder are blobs, which take long to look through. */
const maxSearchedBytes = 16 * 2 ** 20;
const running = new Set<Bun.Subprocess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

function basicOf({ accessKeyId, secretKey }: Credentials): string {
  return `Basic ${btoa(`${accessKeyId}:${secretKey}`)}`;
}

/**
 * A server under test in a process of its own: the binary named by `MAXIOFS_TEST_BINARY`, started in a folder full of
 * traps (`bunfig.toml`, `.env`, `package.json`), else the source run by Bun. Data lives in a fresh temporary folder.
 */
export class ServerProcess {
  readonly s3Port: number;
  readonly consolePort: number;
  /** Absolute path of the data folder. */
  readonly dataDir: string;
  /** The first administrator's key. */
  readonly credentials = administrator;
  readonly #baseDir: string;
  readonly #options: ServerOptions;
  /** Secrets of this server that a test knows: none may be in what it prints or stores. */
  readonly #canaries = new Canaries();
  #child: Bun.Subprocess | undefined;
  #answers: AnswerCheck | undefined;

  constructor(baseDir: string, ports: readonly [s3: number, console: number], options: ServerOptions) {
    this.#baseDir = baseDir;
    this.dataDir = join(baseDir, "data");
    [this.s3Port, this.consolePort] = ports;
    this.#options = options;
    this.#canaries.plant("the administrator's secret key", administrator.secretKey);
    this.#canaries.plant("the administrator's password", administratorPassword);
  }

  /** Base URL of the S3 port, without a slash at the end. */
  get endpoint(): string {
    return `http://127.0.0.1:${this.s3Port}`;
  }

  /** Process id of the running server. @throws Error when it is stopped. */
  get pid(): number {
    if (this.#child === undefined) throw new Error("The server is not running");
    return this.#child.pid;
  }

  /** Starts the server (again) on the same folder and ports and waits until it is ready. @throws Error with its output when it is not. */
  async start(): Promise<void> {
    await this.#waitUntilReady(this.launch());
  }

  /** Starts the server and does not wait for it. */
  launch(): Bun.Subprocess {
    const log = openSync(join(this.#baseDir, "server.log"), "a");
    const child = Bun.spawn({
      cmd: [...this.#command(), ...this.#arguments()],
      cwd: this.#workingDir(),
      env: this.#environment(),
      stdin: "ignore",
      stdout: log,
      stderr: log,
    });
    closeSync(log);
    running.add(child);
    this.#child = child;
    return child;
  }

  /** Runs another verb of the same program, such as `check` or `keys export`, on the data folder and waits for its end. */
  runVerb(verb: string, args: readonly string[] = []): Promise<{ code: number; output: string }> {
    return this.runWords([...verb.split(" "), "--data", this.dataDir, ...args]);
  }

  /** Runs the program with these words alone and waits for its end. @param input standard input */
  async runWords(words: readonly string[], input = ""): Promise<{ code: number; output: string }> {
    const child = Bun.spawn({
      cmd: [...this.#command(), ...words],
      cwd: this.#workingDir(),
      env: this.#environment(),
      stdin: Buffer.from(input),
      stdout: "pipe",
      stderr: "pipe",
    });
    const [output, errors] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    return { code: await child.exited, output: `${output}${errors}` };
  }

  /** Asks the server to end (SIGINT: as SIGTERM, without the wait for load balancers). @returns its exit code. */
  async stop(): Promise<number> {
    return this.#end("SIGINT");
  }

  /** Ends the server at once (SIGKILL): nothing of it runs any more when this resolves. */
  async kill9(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /**
   * Ends the server and removes its folder. With `MAXIOFS_TEST_OUTPUT=1` what it printed is shown first.
   * @throws Error when a secret of it is in what it printed or, with `MAXIOFS_TEST_CANARIES=1`, in a file of its data folder
   */
  async remove(): Promise<void> {
    await this.#end("SIGKILL");
    if (process.env["MAXIOFS_TEST_OUTPUT"] === "1") console.log(this.output());
    const leaks = this.#findLeaks();
    rmSync(this.#baseDir, { recursive: true, force: true });
    if (leaks.length > 0) throw new Error(`Secrets are where they do not belong: ${leaks.join(", ")}`);
  }

  /** Everything the server printed so far, standard output and error mixed. */
  output(): string {
    return readFileSync(join(this.#baseDir, "server.log"), "utf8");
  }

  /**
   * A request to the console port as the administrator, or with another key. `path` begins with a slash. An answer of the control API
   * that is not as the server's OpenAPI document says fails the test.
   */
  async adminFetch(path: string, init: RequestInit = {}, as: Credentials = administrator): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set("authorization", basicOf(as));
    const response = await fetch(`http://127.0.0.1:${this.consolePort}${path}`, { ...init, headers });
    const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") === true;
    if (!path.startsWith("/api/v1/") || isStream) return response;
    const text = await response.clone().text();
    const { status, headers: answered } = response;
    (await this.answers()).check({ method: init.method ?? "GET", path, status, headers: answered, text });
    return response;
  }

  /** Holds answers against the document that the server describes its control API with; asked for once. */
  async answers(): Promise<AnswerCheck> {
    if (this.#answers !== undefined) return this.#answers;
    const headers = { authorization: basicOf(administrator) };
    const response = await fetch(`http://127.0.0.1:${this.consolePort}/api/openapi.json`, { headers });
    if (!response.ok) throw new Error(`The OpenAPI document answered ${response.status}`);
    this.#answers = new AnswerCheck((await response.json()) as ApiDocument);
    return this.#answers;
  }

  /** Makes an access key of a further user that may do what `grants` say. @throws Error when the server refuses. */
  async createKey(userName: string, grants: readonly Grant[]): Promise<Credentials> {
    const policy = policyOf(grants);
    const found = JSON.parse(await this.#call("GET", `users?limit=1000&q=${encodeURIComponent(userName)}`));
    const known = found.items.find(({ name }: { readonly name: string }) => name === userName);
    const { userId } = known ?? JSON.parse(await this.#call("POST", "users", { name: userName }));
    await this.#call("PUT", `users/${userId}/inline-policies/rights-${Bun.hash(policy)}`, { document: policy });
    const credentials = parseCredentials(await this.#call("POST", "access-keys", { userName, policy }));
    this.#canaries.plant(`the secret key of ${userName}`, credentials.secretKey);
    return credentials;
  }

  async #call(method: string, path: string, body?: object): Promise<string> {
    const response = await this.adminFetch(`/api/v1/${path}`, {
      method,
      headers: { "content-type": "application/json", "if-match": "*" },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
    return text;
  }

  #findLeaks(): readonly string[] {
    const printed = this.#canaries.findIn(this.output()).map((name) => `${name} in the output`);
    if (process.env["MAXIOFS_TEST_CANARIES"] !== "1" || !existsSync(this.dataDir)) return printed;
    return [...printed, ...this.#canaries.findInFolder(this.dataDir, { maxBytes: maxSearchedBytes })];
  }

  #command(): string[] {
    const binary = process.env["MAXIOFS_TEST_BINARY"];
    return binary === undefined ? [process.execPath, join(repositoryRoot, "src/main.ts")] : [resolve(binary)];
  }

  #workingDir(): string {
    return process.env["MAXIOFS_TEST_BINARY"] === undefined ? repositoryRoot : join(this.#baseDir, "hostile");
  }

  #arguments(): string[] {
    const { workers = 2, args = [] } = this.#options;
    const listen = ["--s3-listen", `127.0.0.1:${this.s3Port}`, "--console-listen", `127.0.0.1:${this.consolePort}`];
    return ["serve", "--data", this.dataDir, ...listen, "--workers", String(workers), ...args];
  }

  #environment(): Record<string, string | undefined> {
    return {
      PATH: process.env["PATH"] ?? "",
      HOME: join(this.#baseDir, "hostile"),
      MAXIOFS_ADMIN_ACCESS_KEY: administrator.accessKeyId,
      MAXIOFS_ADMIN_SECRET_KEY: administrator.secretKey,
      MAXIOFS_ADMIN_PASSWORD: administratorPassword,
      ...this.#options.env,
    };
  }

  async #waitUntilReady(child: Bun.Subprocess): Promise<void> {
    const deadline = performance.now() + (this.#options.startTimeoutMs ?? 20_000);
    while (performance.now() < deadline && child.exitCode === null && child.signalCode === null) {
      const response = await fetch(`http://127.0.0.1:${this.consolePort}/health/ready`).catch(() => undefined);
      if (response?.ok) return;
      await Bun.sleep(10);
    }
    const state = child.exitCode === null ? "is not ready in time" : `ended with code ${child.exitCode}`;
    throw new Error(`The server ${state}:\n${this.output()}`);
  }

  async #end(signal: "SIGINT" | "SIGKILL"): Promise<number> {
    const child = this.#child;
    if (child === undefined) return 0;
    this.#child = undefined;
    child.kill(signal);
    const code = await child.exited;
    running.delete(child);
    return code;
  }
}

/** Starts a server on free ports of the loopback address with an empty data folder. @throws Error with its output when it does not get ready. */
export async function startServer(options: ServerOptions = {}): Promise<ServerProcess> {
  const baseDir = mkdtempSync(join(tmpdir(), "maxiofs-test-"));
  makeHostileFolder(join(baseDir, "hostile"));
  const server = new ServerProcess(baseDir, await findFreePorts(), options);
  await server.start();
  return server;
}

/**
 * Two TCP ports of the loopback address that nobody listens on at this moment. They lie below the ports the system gives
 * to outgoing connections (32,768 on Linux): a server that starts again finds its own still free.
 */
export async function findFreePorts(): Promise<[number, number]> {
  const s3Port = await findFreePort();
  for (;;) {
    const consolePort = await findFreePort();
    if (consolePort !== s3Port) return [s3Port, consolePort];
  }
}

async function findFreePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((done) => {
    server.once("error", () => done(false));
    server.listen(port, "127.0.0.1", () => server.close(() => done(true)));
  });
}

/** A compiled Bun program must read none of these: each would change or end it. */
function makeHostileFolder(folder: string): void {
  mkdirSync(folder);
  writeFileSync(join(folder, "trap.ts"), "process.exit(99);\n");
  writeFileSync(join(folder, "bunfig.toml"), 'preload = ["./trap.ts"]\n[test]\npreload = ["./trap.ts"]\n');
  writeFileSync(
    join(folder, ".env"),
    "MAXIOFS_ADMIN_ACCESS_KEY=AKIAHOSTILEHOSTILE00\nMAXIOFS_ADMIN_SECRET_KEY=hostile\nMAXIOFS_DATA=/nonexistent\n",
  );
  writeFileSync(join(folder, "package.json"), '{"imports":{"#kernel/*":"./trap.ts"},"main":"./trap.ts"}\n');
  writeFileSync(join(folder, "tsconfig.json"), "{ this is no JSON\n");
  mkdirSync(join(folder, "data"));
}

function parseCredentials(text: string): Credentials {
  const value: unknown = JSON.parse(text);
  const found = typeof value === "object" && value !== null ? value : {};
  const accessKeyId = "accessKeyId" in found ? found.accessKeyId : undefined;
  const secretKey = "secretKey" in found ? found.secretKey : undefined;
  if (typeof accessKeyId !== "string" || typeof secretKey !== "string") {
    throw new Error(`Making a key answered no credentials: ${text}`);
  }
  return { accessKeyId, secretKey };
}
