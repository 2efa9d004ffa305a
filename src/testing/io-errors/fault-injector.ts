import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Calls that a storage server makes on files, each with the errors it may fail with. */
export const faultyCalls = [
  { name: "pwrite64", codes: ["EIO", "ENOSPC"] },
  { name: "fdatasync", codes: ["EIO", "ENOSPC"] },
  { name: "fsync", codes: ["EIO", "ENOSPC"] },
  { name: "openat", codes: ["EIO", "ENOSPC"] },
  { name: "ftruncate", codes: ["EIO", "ENOSPC"] },
  { name: "mkdir", codes: ["EIO", "ENOSPC"] },
  { name: "link", codes: ["EIO", "ENOSPC"] },
  { name: "unlink", codes: ["EIO"] },
  { name: "pread64", codes: ["EIO"] },
] as const satisfies readonly { readonly name: string; readonly codes: readonly ("EIO" | "ENOSPC")[] }[];

/** The n-th call of one kind in each thread fails, once. Counted from 1 after the injector was attached. */
export interface Fault {
  readonly call: string;
  readonly code: "EIO" | "ENOSPC";
  readonly callNumber: number;
}

const attachWithinMs = 20_000;

/** Makes system calls of a running process fail. */
export class FaultInjector {
  readonly #folder: string;
  readonly #tracer: Bun.Subprocess;

  private constructor(folder: string, tracer: Bun.Subprocess) {
    this.#folder = folder;
    this.#tracer = tracer;
  }

  /** Attaches to all threads of a process. @throws Error when that is not possible */
  static async attach(pid: number, { call, code, callNumber }: Fault): Promise<FaultInjector> {
    const folder = mkdtempSync(join(tmpdir(), "maxiofs-faults-"));
    const inject = `inject=${call}:error=${code}:when=${callNumber}`;
    const trace = ["-e", `trace=${call}`, "-e", inject, "-e", "signal=none"];
    const tracer = Bun.spawn({
      cmd: ["strace", "-f", "-p", String(pid), "-s", "0", "-o", join(folder, "log"), ...trace],
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
    });
    const injector = new FaultInjector(folder, tracer);
    const timer = setTimeout(() => tracer.kill("SIGINT"), attachWithinMs);
    const isAttached = await readUntil(tracer.stderr, " attached");
    clearTimeout(timer);
    if (isAttached) return injector;
    await injector.detach();
    throw new Error(`Cannot attach to process ${pid}`);
  }

  /** Lets the process run undisturbed again. @returns the calls that failed, as strace prints them */
  async detach(): Promise<string[]> {
    this.#tracer.kill("SIGINT");
    await this.#tracer.exited;
    const log = readFileSync(join(this.#folder, "log"), "latin1");
    rmSync(this.#folder, { recursive: true });
    return log.split("\n").filter((line) => line.includes("(INJECTED)"));
  }
}

async function readUntil(stream: ReadableStream<Uint8Array>, text: string): Promise<boolean> {
  const decoder = new TextDecoder();
  let seen = "";
  for await (const piece of stream) {
    seen += decoder.decode(piece, { stream: true });
    if (seen.includes(text)) return true;
  }
  return false;
}
