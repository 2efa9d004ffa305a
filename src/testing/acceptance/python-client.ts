import { expect } from "bun:test";
import { join } from "node:path";
import type { Credentials } from "../server-process.ts";
import { runToolOk } from "./client-tool.ts";

/** What a scenario prints as its last line: one entry per check. */
export interface PythonCheck {
  readonly name: string;
  /** "" when it held, else what was seen. */
  readonly problem: string;
}

/** Where a scenario finds the server. */
export interface PythonTarget {
  readonly endpoint: string;
  readonly credentials: Credentials;
  /** Certificate to trust, PEM file. */
  readonly certificatePath?: string;
}

/** Runs a scenario beside this file, its buckets named after `prefix`, and returns its checks. @throws Error when it fails or prints no checks. */
export async function runPython(script: string, target: PythonTarget, prefix = "python"): Promise<PythonCheck[]> {
  const env = {
    AWS_ACCESS_KEY_ID: target.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: target.credentials.secretKey,
    AWS_DEFAULT_REGION: "us-east-1",
    AWS_CONFIG_FILE: "/dev/null",
    AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
    AWS_EC2_METADATA_DISABLED: "true",
    S3_ENDPOINT: target.endpoint,
    PYTHONDONTWRITEBYTECODE: "1",
    ...(target.certificatePath === undefined ? {} : { AWS_CA_BUNDLE: target.certificatePath }),
  };
  const output = await runToolOk(["python3", join(import.meta.dirname, script), prefix], { env, timeoutSeconds: 180 });
  return parseChecks(output.trim().split("\n").at(-1) ?? "");
}

/** Fails with the first check that did not hold, and when there are fewer than `atLeast`. */
export function expectChecks(checks: readonly PythonCheck[], atLeast: number): void {
  expect(checks.filter(({ problem }) => problem !== "")).toEqual([]);
  expect(checks.length).toBeGreaterThanOrEqual(atLeast);
}

function parseChecks(line: string): PythonCheck[] {
  const value: unknown = JSON.parse(line);
  if (!Array.isArray(value)) throw new Error(`The scenario printed no checks: ${line}`);
  return value.map((entry: unknown) => {
    const [name, problem]: unknown[] = Array.isArray(entry) ? entry : [];
    return { name: String(name), problem: String(problem) };
  });
}
