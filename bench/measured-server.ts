import type { Subprocess } from "bun";
import { emptySha256, RequestSigner } from "./load/request-signer.ts";

/** Whose command line and environment a program has: this product's, or that of MinIO, which others are measured by. */
export type ServerKind = "maxiofs" | "minio";

/** How to start the server. */
export interface ServerOptions {
  /** Program and first arguments, up to and without `serve`. */
  readonly command: readonly string[];
  /** `maxiofs` when absent; a server of another kind is asked for S3 alone. */
  readonly kind?: ServerKind;
  /** Folder of the repository. */
  readonly root: string;
  readonly dataFolder: string;
  /** Takes the server's standard error. */
  readonly logFile: string;
  /** 0 for the server's default. */
  readonly workers: number;
  readonly accessKey: string;
  readonly secretKey: string;
  /** Path and query that must answer 200 before the server counts as started; default the list of buckets. */
  readonly probe?: { readonly path: string; readonly query: string };
  /** Further environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Port of S3; a free one by default. */
  readonly port?: number;
}

/** Every bucket of the bench is in this region. */
export const benchRegion = "us-east-1";
const host = "127.0.0.1";
const startLimitMs = 60_000;
const pollMs = 2;
const stopLimitMs = 20_000;
const logTailChars = 600;

/** A running server under test. Close it in any case. */
export class MeasuredServer {
  readonly host: string = host;
  readonly port: number;
  readonly consolePort: number;
  readonly accessKey: string;
  readonly secretKey: string;
  /** From spawn to the first 200 of the probe, in milliseconds. */
  readonly startMs: number;
  readonly #child: Subprocess;
  readonly #signer: RequestSigner;
  #consoleReady: Promise<void> | undefined;

  private constructor(
    options: ServerOptions,
    started: { child: Subprocess; signer: RequestSigner; port: number; consolePort: number; startMs: number },
  ) {
    this.accessKey = options.accessKey;
    this.secretKey = options.secretKey;
    this.port = started.port;
    this.consolePort = started.consolePort;
    this.startMs = started.startMs;
    this.#child = started.child;
    this.#signer = started.signer;
  }

  /** @throws Error when it ends, or does not answer within 60 s */
  static async start(options: ServerOptions): Promise<MeasuredServer> {
    const [port, consolePort] = [options.port ?? freePort(), freePort()];
    const { accessKey, secretKey } = options;
    const signer = new RequestSigner({ accessKey, secretKey, region: benchRegion, host: `${host}:${port}` });
    const probe = options.probe ?? { path: "/", query: "" };
    const startedAtMs = performance.now();
    const child = Bun.spawn([...options.command, ...serveArguments(options, port, consolePort)], {
      cwd: options.root,
      env: {
        ...process.env,
        MAXIOFS_ADMIN_ACCESS_KEY: accessKey,
        MAXIOFS_ADMIN_SECRET_KEY: secretKey,
        ...(options.kind === "minio" && { MINIO_ROOT_USER: accessKey, MINIO_ROOT_PASSWORD: secretKey }),
        ...options.env,
      },
      stdin: "ignore",
      stdout: "ignore",
      stderr: Bun.file(options.logFile),
    });
    let answer = "no answer";
    while (performance.now() - startedAtMs < startLimitMs && child.exitCode === null) {
      answer = await tryProbe(signer, { port, ...probe });
      if (answer === "") {
        return new MeasuredServer(options, {
          child,
          signer,
          port,
          consolePort,
          startMs: performance.now() - startedAtMs,
        });
      }
      await Bun.sleep(pollMs);
    }
    const ending = child.exitCode === null ? "" : `; it ended with code ${child.exitCode}`;
    child.kill("SIGKILL");
    const log = (await Bun.file(options.logFile).text()).slice(-logTailChars);
    throw new Error(`Server did not answer its probe with 200: ${answer}${ending}\n${log}`);
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** One signed request outside any measurement. `path` and `query` are canonical. The answer's body is to be read by the caller. */
  async request(
    method: "GET" | "PUT" | "POST" | "DELETE",
    target: { path: string; query?: string; body?: string | Uint8Array<ArrayBuffer> },
  ): Promise<Response> {
    const { path, query = "", body } = target;
    const sha256 = body === undefined ? emptySha256 : Bun.SHA256.hash(body, "hex");
    const headers = this.#signer.signHeaders({ method, path, query, sha256 });
    const url = `http://${host}:${this.port}${path}${query === "" ? "" : `?${query}`}`;
    return body === undefined ? fetch(url, { method, headers }) : fetch(url, { method, headers, body });
  }

  /** One call of the control API as the administrator. @throws Error when the answer is no success */
  async control(method: "POST" | "PUT" | "DELETE", path: string, body?: object): Promise<unknown> {
    this.#consoleReady ??= this.#waitForConsole();
    await this.#consoleReady;
    const authorization = `Basic ${btoa(`${this.accessKey}:${this.secretKey}`)}`;
    const response = await fetch(`http://${host}:${this.consolePort}/api/v1/${path}`, {
      method,
      headers: { authorization, "content-type": "application/json", "if-match": "*" },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text.slice(0, 300)}`);
    return text === "" ? null : JSON.parse(text);
  }

  /** The S3 port, which the probe asked, may listen before the console's. @throws Error when that does not come in time */
  async #waitForConsole(): Promise<void> {
    const endMs = performance.now() + startLimitMs;
    while (performance.now() < endMs) {
      const response = await fetch(`http://${host}:${this.consolePort}/health/ready`).catch(() => undefined);
      if (response?.ok) return;
      await Bun.sleep(pollMs);
    }
    throw new Error("The console port is not ready in time");
  }

  /** Makes a bucket; one that is there already is fine. @throws Error for any other answer */
  async createBucket(name: string): Promise<void> {
    const response = await this.request("PUT", { path: `/${name}` });
    const text = await response.text();
    if (response.status !== 200 && response.status !== 409) {
      throw new Error(`CreateBucket ${name} answered ${response.status}: ${text.slice(0, 300)}`);
    }
  }

  /** Ends the server gently, after 20 s by force. @returns true when it ended by itself */
  async stop(): Promise<boolean> {
    this.#child.kill("SIGINT");
    const gentle = await Promise.race([this.#child.exited.then(() => true), Bun.sleep(stopLimitMs).then(() => false)]);
    if (!gentle) {
      this.#child.kill("SIGKILL");
      await this.#child.exited;
    }
    return gentle;
  }
}

function serveArguments(options: ServerOptions, port: number, consolePort: number): string[] {
  if (options.kind === "minio") {
    const addresses = ["--address", `${host}:${port}`, "--console-address", `${host}:${consolePort}`];
    return ["server", "--quiet", ...addresses, options.dataFolder];
  }
  const workers = options.workers === 0 ? [] : ["--workers", String(options.workers)];
  return [
    ...["serve", "--data", options.dataFolder],
    ...["--s3-listen", `${host}:${port}`, "--console-listen", `${host}:${consolePort}`],
    ...workers,
  ];
}

/** @returns an empty text for 200, else what happened */
async function tryProbe(signer: RequestSigner, probe: { port: number; path: string; query: string }): Promise<string> {
  const { port, path, query } = probe;
  const headers = signer.signHeaders({ method: "GET", path, query, sha256: emptySha256 });
  try {
    const response = await fetch(`http://${host}:${port}${path}${query === "" ? "" : `?${query}`}`, { headers });
    const text = await response.text();
    return response.status === 200 ? "" : `status ${response.status}: ${text.slice(0, 300)}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/**
 * A port that was free a moment ago, below those the system gives to outgoing connections and to whoever asks for any: two servers
 * that start at once would share one of these, each getting some of the other's requests.
 */
export function freePort(): number {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    try {
      Bun.listen({ hostname: host, port, socket: { data: () => undefined } }).stop(true);
      return port;
    } catch {
      // Somebody has it.
    }
  }
}
