import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

/** How a tool ended. */
export interface ToolResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a tool is run. */
export interface ToolOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly stdin?: Uint8Array | string;
  /** Seconds until it is ended, 60 when absent. */
  readonly timeoutSeconds?: number;
}

/** `scripts/ensure-test-tools` installs here what the machine lacks. */
const toolsDir = resolve(import.meta.dirname, "../../../.tools");
const searchPath = [
  join(toolsDir, "python/bin"),
  join(toolsDir, "bin"),
  join(homedir(), "go/bin"),
  process.env["PATH"] ?? "",
].join(":");

/**
 * Whether a client can be tested here; says so when not. With `MAXIOFS_REQUIRE_CLIENTS=1` a missing one is an error instead.
 * @throws Error when the tool is required and missing.
 */
export function hasTool(name: string): boolean {
  return reportTool(name, Bun.which(name, { PATH: searchPath }) !== null);
}

/** The same for a module of Python. @throws Error when it is required and missing. */
export function hasPythonModule(name: string): boolean {
  const probe = Bun.spawnSync([findTool("python3"), "-c", `import ${name}`], { stdout: "ignore", stderr: "ignore" });
  return reportTool(`python3 module ${name}`, probe.exitCode === 0);
}

/** Says that a client is skipped, or fails. @throws Error when clients are required. */
export function reportTool(name: string, isPresent: boolean): boolean {
  if (isPresent) return true;
  const message = `${name} is not installed (scripts/ensure-test-tools installs it)`;
  if (process.env["MAXIOFS_REQUIRE_CLIENTS"] === "1") throw new Error(message);
  console.warn(`skipped: ${message}`);
  return false;
}

/** Runs a tool without looking at its exit code. The first word is looked up in `.tools`, `~/go/bin` and on the path. */
export async function runTool(command: readonly string[], options: ToolOptions = {}): Promise<ToolResult> {
  const [name = "", ...rest] = command;
  const child = Bun.spawn({
    cmd: [findTool(name), ...rest],
    cwd: options.cwd ?? tmpdir(),
    env: { PATH: searchPath, HOME: homedir(), LANG: "C.UTF-8", LC_ALL: "C.UTF-8", TZ: "UTC", ...options.env },
    stdin: options.stdin === undefined ? "ignore" : toBytes(options.stdin),
    stdout: "pipe",
    stderr: "pipe",
    timeout: (options.timeoutSeconds ?? 60) * 1000,
    killSignal: "SIGKILL",
  });
  const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  return { code: await child.exited, stdout, stderr };
}

/** Runs a tool and returns its standard output. @throws Error with both outputs when its exit code is not 0. */
export async function runToolOk(command: readonly string[], options: ToolOptions = {}): Promise<string> {
  const result = await runTool(command, options);
  if (result.code !== 0) {
    throw new Error(`${command.join(" ")}\nended with ${result.code}\n${result.stdout}\n${result.stderr}`);
  }
  return result.stdout;
}

/** A temporary folder for a test's files. */
export class ScratchFolder {
  readonly path = mkdtempSync(join(tmpdir(), "maxiofs-scratch-"));

  /** Absolute path of a name in the folder. */
  join(...names: readonly string[]): string {
    return join(this.path, ...names);
  }

  /** Writes a file, making its folders. @returns its absolute path. */
  write(name: string, data: Uint8Array | string): string {
    const path = join(this.path, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, data);
    return path;
  }

  /** Bytes of a file. */
  read(name: string): Buffer {
    return readFileSync(join(this.path, name));
  }

  /** Removes the folder and all in it. */
  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

function findTool(name: string): string {
  return Bun.which(name, { PATH: searchPath }) ?? name;
}

function toBytes(data: Uint8Array | string): Uint8Array<ArrayBuffer> {
  return typeof data === "string" ? new TextEncoder().encode(data) : new Uint8Array(data);
}
