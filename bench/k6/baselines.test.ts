import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeMachine } from "../machine.ts";
import { latencyLimits, readBaselines, saveBaselines } from "./baselines.ts";
import { readFirstAnswer, readSummary, renderSummaries } from "./k6-summary.ts";

const folder = mkdtempSync(join(tmpdir(), "maxiofs-baselines-"));
afterAll(() => rmSync(folder, { recursive: true }));

const summary = JSON.stringify({
  metrics: {
    http_reqs: { values: { count: 30, rate: 15.4 } },
    "http_req_duration{operation:PutObject}": {
      values: { med: 1, "p(95)": 2.5, "p(99)": 4, count: 20 },
      thresholds: { "p(95)<2": { ok: false } },
    },
    "http_req_duration{operation:GetObject}": { values: { med: 0, "p(95)": 0, "p(99)": 0, count: 0 } },
    wrong_bytes: { values: { count: 2 }, thresholds: { "count==0": { ok: false } } },
    first_answer_epoch_ms: { values: { value: 1234 } },
  },
});

test("a summary has what was measured and what was missed", () => {
  const result = readSummary("quick", summary);
  expect(result).toEqual({
    scenario: "quick",
    requestsPerSecond: 15.4,
    operations: { PutObject: { count: 20, medianMs: 1, p95Ms: 2.5, p99Ms: 4 } },
    wrongAnswers: 0,
    wrongBytes: 2,
    droppedIterations: 0,
    missed: ["http_req_duration{operation:PutObject} p(95)<2", "wrong_bytes count==0"],
  });
  expect(readFirstAnswer(summary)).toBe(1234);
  expect(renderSummaries([result])).toContain("MISSED wrong_bytes count==0");
});

test("limits are three times the baselines of the same machine, and none elsewhere", () => {
  const file = join(folder, "baselines.json");
  expect(readBaselines(file)).toBeUndefined();
  const result = readSummary("quick", summary);
  saveBaselines(file, [result]);
  saveBaselines(file, [{ ...result, scenario: "mixed" }]);
  const baselines = readBaselines(file);
  expect(latencyLimits(baselines, describeMachine(), "quick")).toEqual({ PutObject: 7.5 });
  expect(latencyLimits(baselines, describeMachine(), "mixed")).toEqual({ PutObject: 7.5 });
  expect(latencyLimits(baselines, describeMachine(), "stress")).toEqual({});
  expect(latencyLimits(baselines, "another machine", "quick")).toEqual({});
  expect(latencyLimits(undefined, describeMachine(), "quick")).toEqual({});
});
