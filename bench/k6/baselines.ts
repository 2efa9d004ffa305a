import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { describeMachine } from "../machine.ts";
import type { ScenarioResult } from "./k6-summary.ts";

/** What was measured on one machine, which its name states. */
export interface Baselines {
  readonly machine: string;
  /** Day of the measurement. */
  readonly measured: string;
  /** p95 in milliseconds, by scenario and operation. */
  readonly p95Ms: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** A latency may be this many times its baseline. Source: the suite's page wants thresholds within a factor of 3. */
const latencyFactor = 3;

/** @returns undefined when the file is not there. @throws SyntaxError when it is no JSON */
export function readBaselines(file: string): Baselines | undefined {
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Baselines) : undefined;
}

/** Highest p95 by operation, in milliseconds; empty where these baselines say nothing. */
export function latencyLimits(
  baselines: Baselines | undefined,
  machine: string,
  scenario: string,
): Record<string, number> {
  if (baselines?.machine !== machine) return {};
  const known = Object.entries(baselines.p95Ms[scenario] ?? {});
  return Object.fromEntries(known.map(([operation, p95Ms]) => [operation, p95Ms * latencyFactor]));
}

/** Fewer requests have no p95: what prepares a load is not judged. */
const minCount = 20;

/** Writes what was measured; scenarios that did not run keep theirs when the machine is the same. */
export function saveBaselines(file: string, results: readonly ScenarioResult[]): void {
  const machine = describeMachine();
  const earlier = readBaselines(file);
  const measured = results.map(({ scenario, operations }) => [
    scenario,
    Object.fromEntries(
      Object.entries(operations)
        .filter(([, { count }]) => count >= minCount)
        .map(([name, { p95Ms }]) => [name, Number(p95Ms.toFixed(3))]),
    ),
  ]);
  const p95Ms = { ...(earlier?.machine === machine ? earlier.p95Ms : {}), ...Object.fromEntries(measured) };
  const baselines: Baselines = { machine, measured: new Date().toISOString().slice(0, 10), p95Ms };
  writeFileSync(file, `${JSON.stringify(baselines, null, 2)}\n`);
}
