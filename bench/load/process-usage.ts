import { readFileSync, writeFileSync } from "node:fs";

/** The kernel's clock tick of processor times in /proc; 100 on every Linux that Bun runs on. */
const ticksPerSecond = 100;

/** Memory of a process in bytes. */
export interface ProcessMemory {
  readonly residentBytes: number;
  /** Highest resident size since start or `resetPeak`. */
  readonly peakBytes: number;
  /** Part of the resident size that no file backs: heap, buffers, stacks. */
  readonly anonymousBytes: number;
}

/**
 * User and system processor time of all threads of a process, in seconds; 0 for pid 0 and for a process that is gone.
 * Source: proc_pid_stat(5), fields 14 and 15
 */
export function processorSeconds(pid: number): number {
  const text = readProc(pid, "stat");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
  return Number.isFinite(ticks) ? ticks / ticksPerSecond : 0;
}

/**
 * Processor time of the whole machine that was not idle, in seconds, time taken by other guests of the host included.
 * Source: proc_stat(5), line `cpu`
 */
export function machineBusySeconds(): number {
  const line = readFileSync("/proc/stat", "latin1").split("\n")[0] ?? "";
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = line.split(/\s+/).slice(1).map(Number);
  return (user + nice + system + irq + softirq + steal) / ticksPerSecond;
}

/** Source: proc_pid_status(5), VmRSS, VmHWM, RssAnon */
export function processMemory(pid: number): ProcessMemory {
  const text = readProc(pid, "status");
  return {
    residentBytes: kibibytesOf(text, "VmRSS") * 1024,
    peakBytes: kibibytesOf(text, "VmHWM") * 1024,
    anonymousBytes: kibibytesOf(text, "RssAnon") * 1024,
  };
}

/** Makes the present resident size the peak. Source: proc_pid_clear_refs(5), value 5. @returns false where not allowed */
export function resetPeak(pid: number): boolean {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, "5");
    return true;
  } catch {
    return false;
  }
}

function readProc(pid: number, name: string): string {
  if (pid === 0) return "";
  try {
    return readFileSync(`/proc/${pid}/${name}`, "latin1");
  } catch {
    return "";
  }
}

function kibibytesOf(status: string, name: string): number {
  const match = new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status);
  return match === null ? 0 : Number(match[1]);
}
