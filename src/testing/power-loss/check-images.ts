import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { clientOf } from "../acceptance/s3-client.ts";
import { findFreePorts, ServerProcess } from "../server-process.ts";
import { checkStore } from "./check-store.ts";
import { type CrashPoint, fateOf } from "./crash-point.ts";
import { type DiskImage, DiskModel } from "./disk-model.ts";
import type { DiskHistory } from "./disk-step.ts";
import { type AllowedFacts, ExpectedFacts } from "./expected-facts.ts";
import type { RecordedRun } from "./record-run.ts";
import { scratchParent } from "./scratch-parent.ts";

/** A broken promise, with what is needed to see it again. */
export interface Violation {
  readonly point: CrashPoint;
  /** What happened last before the power failed. */
  readonly lastStep: string;
  readonly lines: readonly string[];
}

/** How images are checked. */
export interface CheckOptions {
  /** Ends early when so many points broke a promise. */
  readonly maxViolations: number;
  /** Told after each image. */
  readonly onChecked?: (checkedCount: number, violation: Violation | undefined) => void;
}

/**
 * For each point, in order: makes the disk as the crash left it, starts the server on it, reads everything back, writes, ends it.
 * @param points ordered by time
 */
export async function checkImages(
  run: RecordedRun,
  points: readonly CrashPoint[],
  options: CheckOptions,
): Promise<Violation[]> {
  const model = new DiskModel(run.history);
  const expected = new ExpectedFacts(run.clients);
  const answered = new Set<string>();
  const violations: Violation[] = [];
  const { steps } = run.history;
  let applied = 0;
  for (const [index, point] of points.entries()) {
    for (; applied < point.stepCount; applied++) {
      const step = steps[applied];
      if (step === undefined) break;
      model.apply(step);
      if (step.kind === "answer") answered.add(step.requestId);
    }
    const lines = await checkImage(model.crash(fateOf(point)), expected.allowed(answered));
    const violation =
      lines.length === 0 ? undefined : { point, lastStep: describeStep(run.history, applied - 1), lines };
    if (violation) violations.push(violation);
    options.onChecked?.(index + 1, violation);
    if (violations.length >= options.maxViolations) break;
  }
  return violations;
}

/** Starts the server on an image and checks it. @returns one line for each thing that is wrong */
async function checkImage(image: DiskImage, allowed: readonly AllowedFacts[]): Promise<string[]> {
  const baseDir = mkdtempSync(join(scratchParent(), "maxiofs-image-"));
  const server = new ServerProcess(baseDir, await findFreePorts(), {});
  const s3 = clientOf(server);
  try {
    mkdirSync(join(baseDir, "hostile"));
    writeImage(image, baseDir);
    await server.start();
    return await checkStore(s3, allowed);
  } catch (error) {
    return [error instanceof Error ? error.message : String(error), ...server.output().trimEnd().split("\n").slice(-5)];
  } finally {
    s3.close();
    await server.remove();
  }
}

/** Makes an image's files (mode 0600) and folders (0700) below `folder`. */
function writeImage(image: DiskImage, folder: string): void {
  for (const [path, content] of image) {
    if (content === "folder") mkdirSync(join(folder, path), { mode: 0o700 });
    else writeFileSync(join(folder, path), content, { mode: 0o600 });
  }
}

function describeStep({ steps, inodes }: DiskHistory, index: number): string {
  const step = steps[index];
  if (step === undefined) return "nothing";
  if (step.kind === "answer") return `line ${step.at}: answer ${step.status} to ${step.requestId}`;
  const { path = "" } = inodes.get(step.kind === "entry" ? step.folder : step.inode) ?? {};
  return `line ${step.at}: ${step.kind} of /${path}`;
}
