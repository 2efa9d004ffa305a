import { afterEach, expect, test } from "bun:test";
import fc from "fast-check";
import { parseArn } from "#kernel/policy/arn-pattern.ts";
import { linksOfKey, maxCredentialLinks } from "#kernel/policy/credential-link.ts";
import { evaluateAccess } from "#kernel/policy/evaluate-access.ts";
import { IdentityPolicies } from "#kernel/policy/identity-policies.ts";
import type { KeyEntry } from "#kernel/protocol/identities.ts";
import { closeControls, startControl, testAdministrator } from "#testing/opened-control.ts";
import { randomPolicy } from "#testing/policy/random-policies.ts";
import type { Control } from "../control.ts";

afterEach(closeControls);

const keyMaking = { Effect: "Allow", Action: "iam:*AccessKey", Resource: "*" };
/** Random, but as a rule not so narrow that no chain could grow. */
const keyPolicy = fc.tuple(randomPolicy, fc.boolean()).map(([policy, isOpen]) => {
  const open = isOpen ? [{ Effect: "Allow", Action: "s3:*", Resource: "*" }] : [];
  return JSON.stringify({ ...policy, Statement: [...policy.Statement, keyMaking, ...open] }).replace(
    /[\u0100-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
});
const ends = fc.constantFrom(undefined, null, "2091-01-01T00:00:00.000Z", "2092-01-01T00:00:00.000Z");
/** Who acts and on what are places in the list of keys there are, counted round. */
const step = fc.record({
  kind: fc.constantFrom("make", "make", "make", "make", "change", "remove"),
  by: fc.nat(),
  on: fc.nat(),
  policy: fc.option(keyPolicy, { nil: null, freq: 4 }),
  expiresAt: ends,
  enabled: fc.boolean(),
});
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

const requests = [
  "s3:GetObject arn:aws:s3:::b/k",
  "s3:GetObject arn:aws:s3:::b/admin/x",
  "s3:GetObject arn:aws:s3:::bb/k",
  "s3:PutObject arn:aws:s3:::b/k",
  "s3:PutObject arn:aws:s3:::c/a*z",
  "s3:DeleteObject arn:aws:s3:::b/ann/x",
  "s3:ListBucket arn:aws:s3:::b",
  "iam:CreateAccessKey arn:aws:iam::ACCOUNT:user/admin",
  "iam:CreateUser arn:aws:iam::ACCOUNT:user/eve",
];

/** The requests, with each of two contexts, that a key allows at a time. */
function allowedTo(key: KeyEntry, { publisher }: Control, nowMs: number): ReadonlySet<string> {
  const user = publisher.entries("user").get(key.userId);
  const tenant = publisher.entries("tenant").get(key.tenantId);
  if (user === undefined || tenant === undefined) throw new Error("The key has no user");
  if (!key.enabled || (key.expiresAtMs !== null && key.expiresAtMs <= nowMs)) return new Set();
  const lookup = { findGroup: () => undefined, findPolicy: () => undefined };
  const resolved = new IdentityPolicies(lookup).resolveUser({ user, tenant, narrowing: linksOfKey(key) });
  const allowed = new Set<string>();
  for (const prefix of ["ann/", "10"]) {
    const values = new Map([...resolved.values, ["s3:prefix", prefix], ["aws:SourceIp", "10.1.2.3"]]);
    for (const request of requests) {
      const [action = "", text = ""] = request.replace("ACCOUNT", tenant.accountId).split(" ");
      const arn = parseArn(text);
      if (arn === undefined) throw new Error(text);
      const resource = { ...arn, account: tenant.accountId, plainName: true };
      const sets = { narrowing: resolved.narrowing, identity: resolved.identity, resource: undefined };
      const { outcome } = evaluateAccess({ action, resource, caller: resolved.caller, values }, sets);
      if (outcome === "allow") allowed.add(`${request} ${prefix}`);
    }
  }
  return allowed;
}

const times = ["2090-01-01", "2091-06-01", "2093-01-01"].map((day) => Date.parse(day));

test("made keys: no sequence of calls by narrowed keys, changes in between, gives one that may do what its maker may not", async () => {
  const { control, fetch } = await startControl();
  const { keys } = control.publisher;
  const seen = { made: 0, allowed: 0, narrower: 0, longest: 0 };
  /** Who made which key, as the answers to the calls said it. */
  const makers = new Map<string, string>();

  const send = async (as: KeyEntry | typeof testAdministrator, method: string, [path, body]: [string, object?]) => {
    const init = { method, as, headers: { "if-match": "*" }, ...(body && { body: JSON.stringify(body) }) };
    const response = await fetch(`/api/v1/access-keys${path}`, init);
    const text = await response.text();
    if (![200, 201, 204, 400, 401, 403, 404, 409].includes(response.status)) throw new Error(text);
    return response.ok && text !== "" ? JSON.parse(text) : undefined;
  };

  const take = async ({ kind, by, on, policy, expiresAt, enabled }: Step) => {
    const narrowed = [...keys.values()].filter(({ narrowing }) => narrowing.length > 0);
    const [actor, target] = [narrowed[by % narrowed.length], narrowed[on % narrowed.length]];
    if (actor === undefined || target === undefined) return;
    const path = `/${target.accessKeyId}`;
    const end = expiresAt === undefined ? {} : { expiresAt };
    if (kind === "make") {
      const made = await send(actor, "POST", ["", { userName: "admin", policy, ...end }]);
      if (made !== undefined) makers.set(made.accessKeyId, actor.accessKeyId);
    } else if (kind === "remove") await send(actor, "DELETE", [path]);
    else {
      await send(actor, "PATCH", [path, { policy: null }]);
      await send(testAdministrator, "PATCH", [path, { enabled: enabled || by % 2 === 0, ...end }]);
      await send(testAdministrator, "PATCH", [path, { policy }]);
    }
  };

  const check = () => {
    for (const key of keys.values()) {
      const makerId = makers.get(key.accessKeyId);
      if (makerId === undefined) continue;
      const maker = keys.get(makerId);
      expect(key.narrowing.length).toBeLessThanOrEqual(maxCredentialLinks);
      seen.longest = Math.max(seen.longest, key.narrowing.length);
      for (const nowMs of times) {
        const ofMaker = maker === undefined ? new Set<string>() : allowedTo(maker, control, nowMs);
        const ofKey = allowedTo(key, control, nowMs);
        expect([...ofKey].filter((request) => !ofMaker.has(request))).toEqual([]);
        seen.made += 1;
        seen.allowed += ofKey.size;
        seen.narrower += ofKey.size < ofMaker.size ? 1 : 0;
      }
    }
  };

  const steps = fc.array(step, { minLength: 12, maxLength: 24 });
  await fc.assert(
    fc.asyncProperty(keyPolicy, steps, async (policy, order) => {
      for (const { accessKeyId } of [...keys.values()].filter(({ narrowing }) => narrowing.length > 0))
        await send(testAdministrator, "DELETE", [`/${accessKeyId}`]);
      makers.clear();
      await send(testAdministrator, "POST", ["", { userName: "admin", policy }]);
      for (const one of order) {
        await take(one);
        check();
      }
    }),
    { seed: 20261123, numRuns: 12, endOnFailure: true },
  );
  // Sequences that make nothing, or nothing that may do anything, would prove little.
  expect(seen.made).toBeGreaterThan(200);
  expect(seen.allowed).toBeGreaterThan(500);
  expect(seen.narrower).toBeGreaterThan(50);
  expect(seen.longest).toBeGreaterThan(4);
}, 60_000);
