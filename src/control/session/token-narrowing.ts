import type { Clock } from "#kernel/base/clock.ts";
import { parseArn } from "#kernel/policy/arn-pattern.ts";
import { findBuiltInPolicy } from "#kernel/policy/built-in-policies.ts";
import { type CompiledPolicy, compilePolicyText } from "#kernel/policy/compile-policy.ts";
import { evaluateAccess } from "#kernel/policy/evaluate-access.ts";
import type { AccessedResource } from "#kernel/policy/evaluate-statement.ts";
import type { Caller } from "../http/caller.ts";

/** Whether a caller may do something; `resourceArn` is `*` for what has no resource of its own. */
export type AllowsCaller = (caller: Caller, action: string, resourceArn: string) => boolean;

/** What a token's policy says nothing about: its user's rights. */
const everything: CompiledPolicy = compilePolicyText(
  findBuiltInPolicy("consoleAdmin")?.text ?? "",
  { kind: "managed" },
  { name: "everything" },
);

/** Reading identities; whatever else of `iam:` there is changes them. */
const readsIdentities = /^iam:(Get|List|Simulate)/;
/** Actions beside `iam:` that change identities. */
const changesIdentities = new Set(["maxiofs:SetGlobal", "maxiofs:UnlockUser"]);

/**
 * Narrows what callers with an API token may do to what the token's policy allows; a narrowed token changes no identity. A caller
 * with a token that the guard did not bring here may do nothing.
 */
export class TokenNarrowing {
  readonly #policies = new WeakMap<Caller, CompiledPolicy | "none">();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Tells the policy of a caller's token; undefined when the token is not narrowed. One that cannot be read denies everything. */
  set(caller: Caller, policy: string | undefined): void {
    const compiled = policy === undefined ? "none" : compilePolicyText(policy, { kind: "key" }, { name: "token" });
    this.#policies.set(caller, compiled);
  }

  /** `allows`, narrowed. */
  narrow(allows: AllowsCaller): AllowsCaller {
    return (caller, action, resourceArn) =>
      this.#allows(caller, action, resourceArn) && allows(caller, action, resourceArn);
  }

  #allows(caller: Caller, action: string, resourceArn: string): boolean {
    if (caller.tokenId === undefined) return true;
    const policy = this.#policies.get(caller);
    if (policy === undefined) return false;
    if (policy === "none") return true;
    if ((action.startsWith("iam:") && !readsIdentities.test(action)) || changesIdentities.has(action)) return false;
    const resource = describeResource(resourceArn);
    if (resource === undefined) return false;
    const { userId, global } = caller;
    // The rights of the user are asked for elsewhere: this is about the token's policy alone.
    const user = { kind: "user", accountId: resource.account, canonicalId: "", userId, arn: "", global } as const;
    const values = this.#describeRequest(caller);
    const sets = {
      narrowing: [{ layer: "keyPolicy" as const, policies: [policy] }],
      identity: [everything],
      resource: undefined,
    };
    return evaluateAccess({ action, resource, caller: user, values }, sets).outcome === "allow";
  }

  #describeRequest({ userId, userName, address, agent, mfa }: Caller): ReadonlyMap<string, string> {
    const nowMs = this.#clock.nowMs();
    return new Map([
      ["aws:userid", userId],
      ["aws:username", userName],
      ["aws:PrincipalType", "User"],
      ["aws:SourceIp", address],
      ["aws:UserAgent", agent],
      ["aws:MultiFactorAuthPresent", String(mfa)],
      ["aws:CurrentTime", new Date(nowMs).toISOString()],
      ["aws:EpochTime", String(Math.floor(nowMs / 1000))],
      ["maxiofs:Via", "token"],
    ]);
  }
}

function describeResource(arn: string): AccessedResource | undefined {
  if (arn === "*") {
    return { partition: "aws", service: "s3", region: "", account: "", path: "*", plainName: true };
  }
  const parsed = parseArn(arn);
  return parsed && { ...parsed, plainName: parsed.service === "s3" };
}
