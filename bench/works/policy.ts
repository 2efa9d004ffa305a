import { type CompiledPolicy, compilePolicy, compilePolicyText } from "#kernel/policy/compile-policy.ts";
import { evaluateAccess, type PolicySets } from "#kernel/policy/evaluate-access.ts";
import type { AccessRequest } from "#kernel/policy/evaluate-statement.ts";
import { parsePolicy } from "#kernel/policy/parse-policy.ts";
import { countPolicyCharacters } from "#kernel/policy/policy-limits.ts";
import type { BenchContext } from "../bench-context.ts";
import type { ReportRow } from "../report.ts";

const policyCount = 20;
const policyCharacters = 2048;
const decisionTargetUs = 20;
const warmupMs = 300;
/** Calls of a window: well below a millisecond of decisions, so that windows without interruption exist. */
const batch = 16;

/** Cost of one decision over twenty policies of 2 KiB, as people write them and at their worst; and of reading one. */
export async function measurePolicy(bench: BenchContext): Promise<ReportRow[]> {
  const durationMs = bench.durationMs / 4;
  const [sets, worst] = [usualStatement, costlyStatement].map((statement) => setsOf(statement));
  if (sets === undefined || worst === undefined) return [];
  const text = policyText(0, usualStatement);
  const granted = requestFor(policyCount - 1, "10.1.2.3");
  const denied = requestFor(policyCount - 1, "192.0.2.9");
  const foreign = requestFor(policyCount, "10.1.2.3");
  const narrowed: PolicySets = { ...sets, narrowing: links(sets.identity, 2) };
  const what = `${policyCount} policies of ${countPolicyCharacters(text)} characters`;
  const shown = { kind: "none" } as const;
  return [
    row(`decision, granted by the last of ${what}`, () => evaluateAccess(granted, sets).outcome, {
      durationMs,
      wanted: "allow",
    }),
    row(`decision, granted by none of ${what}`, () => evaluateAccess(foreign, sets).outcome, {
      durationMs,
      wanted: "implicitDeny",
    }),
    row(`decision, denied by the last of ${what}`, () => evaluateAccess(denied, sets).outcome, {
      durationMs,
      wanted: "explicitDeny",
    }),
    row("decision, the first below two links", () => evaluateAccess(granted, narrowed).outcome, {
      durationMs,
      wanted: "allow",
    }),
    {
      ...row("decision, variables and conditions in every statement", () => evaluateAccess(foreign, worst).outcome, {
        durationMs,
        wanted: "implicitDeny",
      }),
      wanted: shown,
    },
    {
      ...row("parse one policy", () => parsePolicy(text, { kind: "managed" }).kind, { durationMs, wanted: "document" }),
      wanted: shown,
    },
    { ...row("compile one policy", compileOne(text), { durationMs, wanted: "p" }), wanted: shown },
  ];
}

type WriteStatement = (number: number, index: number) => object;

function setsOf(statement: WriteStatement): PolicySets {
  const identity = Array.from({ length: policyCount }, (_, number) =>
    compilePolicyText(policyText(number, statement), { kind: "managed" }, { name: `p${number}` }),
  );
  return { narrowing: [], identity, resource: undefined };
}

/** A team's access to a bucket of its own: lists, objects of a prefix, own home. */
function usualStatement(number: number, index: number): object {
  const bucket = `arn:aws:s3:::team-${number}-${index}`;
  const kinds = [
    { Action: ["s3:ListBucket", "s3:GetBucketLocation"], Resource: bucket },
    {
      Action: ["s3:GetObject*", "s3:PutObject*", "s3:AbortMultipartUpload"],
      Resource: [`${bucket}/data/*`, `${bucket}/*/out/*`],
    },
    {
      Action: "s3:*",
      Resource: `${bucket}/home/\${aws:username}/*`,
      Condition: { Bool: { "aws:SecureTransport": "true" } },
    },
  ];
  return { Effect: "Allow", ...kinds[index % kinds.length] };
}

/** About the action and nearly about the resource: all of a statement has to be looked at. */
function costlyStatement(number: number, index: number): object {
  return {
    Effect: "Allow",
    Action: ["s3:Get*", "s3:PutObject"],
    Resource: [`arn:aws:s3:::bucket-*/\${aws:username}/${index}/*`, `arn:aws:s3:::bucket-*/report-?.csv`],
    Condition: { StringLike: { "s3:prefix": `home/${number}*` } },
  };
}

/** Links that allow what the whole set allows: nothing gets shorter by them. */
function links(policies: readonly CompiledPolicy[], count: number): PolicySets["narrowing"] {
  return Array.from({ length: count }, () => ({ layer: "sessionPolicy", policies: policies.slice(-1) }));
}

function compileOne(text: string): () => string {
  const parsed = parsePolicy(text, { kind: "managed" });
  if (parsed.kind === "problems") throw new Error(JSON.stringify(parsed.problems));
  return () => compilePolicy(parsed.document, { name: "p" }).name;
}

/** A policy of `policyCharacters`: a Deny, an Allow of the bucket of the policy's number, and others as many as fit. */
function policyText(number: number, statement: WriteStatement): string {
  const statements: object[] = [
    {
      Effect: "Deny",
      Action: "s3:*",
      Resource: `arn:aws:s3:::bucket-${number}/*`,
      Condition: { NotIpAddress: { "aws:SourceIp": ["10.0.0.0/8", "2001:db8::/32"] } },
    },
  ];
  const last = { Effect: "Allow", Action: "s3:GetObject", Resource: `arn:aws:s3:::bucket-${number}/*/report-?.csv` };
  const textOf = (id: string) => JSON.stringify({ Version: "2012-10-17", Id: id, Statement: [...statements, last] });
  for (let index = 0; textOf("").length < policyCharacters; index += 1) statements.push(statement(number, index));
  statements.pop();
  return textOf("x".repeat(policyCharacters - textOf("").length));
}

function requestFor(bucket: number, sourceIp: string): AccessRequest {
  const account = "111111111111";
  const path = `bucket-${bucket}/2026/january/report-7.csv`;
  return {
    action: "s3:GetObject",
    resource: { partition: "aws", service: "s3", region: "", account, path, plainName: true },
    caller: {
      kind: "user",
      accountId: account,
      canonicalId: "c".repeat(64),
      userId: "AIDAAAAAAAAAAAAAAAAA",
      arn: `arn:aws:iam::${account}:user/ann`,
      global: false,
    },
    values: new Map([
      ["aws:username", "ann"],
      ["aws:SourceIp", sourceIp],
      ["s3:prefix", "home/none"],
    ]),
  };
}

function row(
  work: string,
  call: () => string,
  { durationMs, wanted }: { readonly durationMs: number; readonly wanted: string },
): ReportRow {
  runFor(call, { durationMs: warmupMs, wanted });
  const { us, errorCount } = runFor(call, { durationMs, wanted });
  return {
    work,
    measured: us,
    unit: "us",
    wanted: { kind: "most", target: decisionTargetUs },
    limit: "",
    errorCount,
    notes: [],
  };
}

/** The best of many short windows: what the code costs when nothing else has the processor. */
function runFor(
  call: () => string,
  { durationMs, wanted }: { readonly durationMs: number; readonly wanted: string },
): { readonly us: number; readonly errorCount: number } {
  const start = performance.now();
  let us = Number.POSITIVE_INFINITY;
  let errorCount = 0;
  let nowMs = start;
  while (nowMs - start < durationMs) {
    const windowStart = nowMs;
    for (let index = 0; index < batch; index += 1) if (call() !== wanted) errorCount += 1;
    nowMs = performance.now();
    us = Math.min(us, ((nowMs - windowStart) * 1000) / batch);
  }
  return { us, errorCount };
}
