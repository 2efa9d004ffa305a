import { expect, test } from "bun:test";
import fc from "fast-check";
import { randomDeny, randomPolicy, randomRequest, randomSets } from "#testing/policy/random-policies.ts";
import {
  type JsonPolicy,
  type ReferenceRequest,
  type ReferenceSets,
  referenceDecision,
} from "#testing/policy/reference-evaluator.ts";
import { parseArn } from "./arn-pattern.ts";
import { type CompiledPolicy, compilePolicy } from "./compile-policy.ts";
import { evaluateAccess, type PolicySets } from "./evaluate-access.ts";
import type { AccessRequest } from "./evaluate-statement.ts";
import { explainAccess } from "./explain-access.ts";
import { parsePolicy } from "./parse-policy.ts";
import type { PolicyKind } from "./policy-document.ts";

function compiled(policy: JsonPolicy, kind: PolicyKind): CompiledPolicy {
  const parsed = parsePolicy(asciiJson(policy), { kind });
  if (parsed.kind === "problems") throw new Error(JSON.stringify(parsed.problems));
  // A document travels between threads as JSON.
  return compilePolicy(JSON.parse(JSON.stringify(parsed.document)), { name: kind });
}

/** Policies hold characters beyond U+00FF as escapes alone. */
function asciiJson(policy: JsonPolicy): string {
  return JSON.stringify(policy).replace(
    /[\u0100-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function setsOf({ narrowing, identity, bucket }: ReferenceSets): PolicySets {
  return {
    narrowing: narrowing.map((link) => ({
      layer: "sessionPolicy",
      policies: link.map((policy) => compiled(policy, "managed")),
    })),
    identity: identity.map((policy) => compiled(policy, "managed")),
    resource: bucket && {
      layer: "bucketPolicy",
      policy: compiled(bucket, "bucket"),
      isPublic: true,
      opensObject: true,
      aclAllows: false,
      restrictsPublic: false,
    },
  };
}

function requestOf({ action, resource, ownerAccount, user, context }: ReferenceRequest): AccessRequest {
  const arn = parseArn(resource);
  if (arn === undefined) throw new Error(resource);
  return {
    action,
    resource: { ...arn, account: ownerAccount, plainName: true },
    caller:
      user === undefined
        ? { kind: "anonymous" }
        : { kind: "user", accountId: user.account, canonicalId: "c", userId: "AIDAX", arn: user.arn, global: false },
    values: context,
  };
}

test("evaluateAccess: agrees with the reference evaluator, and explainAccess with it", () => {
  const outcomes = { allow: 0, explicitDeny: 0, implicitDeny: 0 };
  fc.assert(
    fc.property(randomSets, fc.array(randomRequest, { minLength: 20, maxLength: 20 }), (sets, requests) => {
      const policies = setsOf(sets);
      for (const request of requests) {
        const { outcome } = evaluateAccess(requestOf(request), policies);
        outcomes[outcome] += 1;
        expect(outcome).toBe(referenceDecision(request, sets));
        checkExplanation(request, policies);
      }
    }),
    { numRuns: 200 },
  );
  // Random policies that never allow would prove little.
  for (const count of Object.values(outcomes)) expect(count).toBeGreaterThan(30);
});

function checkExplanation(request: ReferenceRequest, policies: PolicySets): void {
  const { decision, statements } = explainAccess(requestOf(request), policies);
  expect(statements.some(({ effect, applies }) => effect === "Deny" && applies)).toBe(
    decision.outcome === "explicitDeny",
  );
  if (decision.by === undefined) return;
  expect(statements.find(({ ref }) => ref === decision.by)?.applies).toBe(true);
}

test("evaluateAccess: what a narrowed credential may do, its parent may", () => {
  let allowed = 0;
  const requests = fc.array(randomRequest, { minLength: 20, maxLength: 20 });
  fc.assert(
    fc.property(randomSets, fc.array(randomPolicy, { maxLength: 2 }), requests, (sets, link, requests) => {
      const parent = setsOf(sets);
      const child = setsOf({ ...sets, narrowing: [...sets.narrowing, link] });
      for (const request of requests) {
        if (evaluateAccess(requestOf(request), child).outcome !== "allow") continue;
        allowed += 1;
        expect(evaluateAccess(requestOf(request), parent).outcome).toBe("allow");
      }
    }),
    { numRuns: 200 },
  );
  expect(allowed).toBeGreaterThan(10);
});

test("evaluateAccess: one Deny more never allows more", () => {
  fc.assert(
    fc.property(randomSets, randomDeny, randomRequest, (sets, deny, request) => {
      const before = evaluateAccess(requestOf(request), setsOf(sets)).outcome;
      const policy: JsonPolicy = { Version: "2012-10-17", Statement: [deny] };
      const after = evaluateAccess(
        requestOf(request),
        setsOf({ ...sets, identity: [...sets.identity, policy] }),
      ).outcome;
      if (after === "allow") expect(before).toBe("allow");
    }),
    { numRuns: 200 },
  );
});

test("evaluateAccess: one condition more never lets an Allow do more", () => {
  fc.assert(
    fc.property(randomSets, randomDeny, randomRequest, (sets, { Condition }, request) => {
      if (Condition === undefined) return;
      const narrowed = sets.identity.map((policy) => ({
        ...policy,
        Statement: policy.Statement.map((statement) =>
          statement.Effect === "Deny"
            ? statement
            : { ...statement, Condition: { ...Condition, ...statement.Condition } },
        ),
      }));
      // Where both have one operator the policy's own stays: nothing is taken away.
      const after = evaluateAccess(requestOf(request), setsOf({ ...sets, identity: narrowed })).outcome;
      if (after === "allow") expect(evaluateAccess(requestOf(request), setsOf(sets)).outcome).toBe("allow");
    }),
    { numRuns: 200 },
  );
});
