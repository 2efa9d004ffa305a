import { closeSync, existsSync, openSync, readFileSync, readSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { findFreePorts, ServerProcess } from "../server-process.ts";
import { tracedCalls } from "./read-disk-history.ts";
import { parseSyscallLog, type Syscall } from "./syscall.ts";

/** Bytes of one call's data that the log keeps: more than a server writes at once. */
const maxStringBytes = 4 * 1024 * 1024;
const readyWithinMs = 60_000;
const logEndWithinMs = 30_000;

/** Whether this machine can trace system calls. */
export function canTrace(): boolean {
  if (Bun.which("strace") === null) return false;
  return Bun.spawnSync(["strace", "-f", "--seccomp-bpf", "-e", "trace=fsync", "true"], { stderr: "ignore" }).success;
}

/** A server from its very first start on, in a process whose system calls on files and sockets are written down. */
export class TracedServer {
  /** Where it is reached and its administrator's key. */
  readonly server: ServerProcess;
  readonly #baseDir: string;
  readonly #logPath: string;
  readonly #child: Bun.Subprocess;

  private constructor(server: ServerProcess, folders: { readonly baseDir: string; readonly logPath: string }) {
    this.server = server;
    this.#baseDir = folders.baseDir;
    this.#logPath = folders.logPath;
    this.#child = this.#launch();
  }

  /**
   * Starts a server on an empty data folder below `baseDir`, which exists.
   * @param logPath where the log goes: not below `baseDir`
   * @throws Error with its output when it does not get ready
   */
  static async start(baseDir: string, logPath: string): Promise<TracedServer> {
    const server = new ServerProcess(baseDir, await findFreePorts(), {});
    const traced = new TracedServer(server, { baseDir, logPath });
    await traced.#waitUntilReady();
    return traced;
  }

  /** Asks the server to end, and reads the log. @throws Error when it does not end or the log stays without its end */
  async stop(): Promise<Syscall[]> {
    this.#child.kill("SIGINT");
    await this.#child.exited;
    const last = new RegExp(`^${this.#child.pid} +\\+\\+\\+ `, "m");
    for (const deadline = performance.now() + logEndWithinMs; performance.now() < deadline; ) {
      if (last.test(readTail(this.#logPath))) return parseSyscallLog(readFileSync(this.#logPath));
      await Bun.sleep(20);
    }
    throw new Error(`The log of process ${this.#child.pid} does not end:\n${readTail(this.#logPath)}`);
  }

  /** Ends the server at once, if it still runs. */
  kill(): void {
    this.#child.kill("SIGKILL");
  }

  #launch(): Bun.Subprocess {
    const output = openSync(join(this.#baseDir, "server.log"), "a");
    const { s3Port, consolePort, dataDir, credentials } = this.server;
    const listen = ["--s3-listen", `127.0.0.1:${s3Port}`, "--console-listen", `127.0.0.1:${consolePort}`];
    try {
      return Bun.spawn({
        cmd: [...tracer(this.#logPath), ...program(), "serve", "--data", dataDir, ...listen, "--workers", "2"],
        cwd: this.#baseDir,
        env: {
          PATH: process.env["PATH"] ?? "",
          HOME: this.#baseDir,
          MAXIOFS_ADMIN_ACCESS_KEY: credentials.accessKeyId,
          MAXIOFS_ADMIN_SECRET_KEY: credentials.secretKey,
        },
        stdin: "ignore",
        stdout: output,
        stderr: output,
      });
    } finally {
      closeSync(output);
    }
  }

  async #waitUntilReady(): Promise<void> {
    const url = `http://127.0.0.1:${this.server.consolePort}/health/ready`;
    for (const deadline = performance.now() + readyWithinMs; performance.now() < deadline; ) {
      const response = await fetch(url).catch(() => undefined);
      if (response?.ok) return;
      if (this.#child.exitCode !== null) break;
      await Bun.sleep(20);
    }
    this.#child.kill("SIGKILL");
    throw new Error(`The traced server does not get ready:\n${this.server.output()}`);
  }
}

/** `-D` keeps the server our own child: signals reach it and not the tracer. */
function tracer(logPath: string): string[] {
  const calls = `trace=${tracedCalls.join(",")}`;
  return [
    "strace",
    "-D",
    "-f",
    "--seccomp-bpf",
    "-xx",
    "-s",
    String(maxStringBytes),
    "-o",
    logPath,
    "-e",
    calls,
    "-e",
    "signal=none",
  ];
}

function program(): string[] {
  const binary = process.env["MAXIOFS_TEST_BINARY"];
  if (binary !== undefined) return [resolve(binary)];
  return [process.execPath, resolve(import.meta.dirname, "../../main.ts")];
}

/** The last lines of a file. */
function readTail(path: string): string {
  if (!existsSync(path)) return "";
  const { size } = statSync(path);
  const tail = Buffer.alloc(Math.min(size, 4_096));
  const file = openSync(path, "r");
  try {
    return tail.toString("latin1", 0, readSync(file, tail, 0, tail.length, size - tail.length));
  } finally {
    closeSync(file);
  }
}
