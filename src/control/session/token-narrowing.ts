import type { Clock } from "#kernel/base/clock.ts";
import { findBuiltInPolicy } from "#kernel/policy/built-in-policies.ts";
import { type CompiledPolicy, compilePolicyText } from "#kernel/policy/compile-policy.ts";
import type { Caller } from "../http/caller.ts";
import { type AskedResource, describeCaller, describeResource, isControlAllowed } from "../iam/caller-request.ts";

/** Whether a caller may do something. */
export type AllowsCaller = (caller: Caller, action: string, asked: AskedResource) => boolean;

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
    return (caller, action, asked) => this.#allows(caller, action, asked) && allows(caller, action, asked);
  }

  #allows(caller: Caller, action: string, asked: AskedResource): boolean {
    if (caller.tokenId === undefined) return true;
    const policy = this.#policies.get(caller);
    if (policy === undefined) return false;
    if (policy === "none") return true;
    if ((action.startsWith("iam:") && !readsIdentities.test(action)) || changesIdentities.has(action)) return false;
    const resource = describeResource(typeof asked === "string" ? asked : asked.ofOtherTenant);
    if (resource === undefined) return false;
    const { userId, global } = caller;
    // The rights of the user are asked for elsewhere: this is about the token's policy alone.
    const user = { kind: "user", accountId: resource.account, canonicalId: "", userId, arn: "", global } as const;
    const values = describeCaller(caller, this.#clock);
    const sets = {
      narrowing: [{ layer: "keyPolicy" as const, policies: [policy] }],
      identity: [everything],
      resource: undefined,
    };
    return isControlAllowed({ action, caller: user, values }, asked, sets);
  }
}
