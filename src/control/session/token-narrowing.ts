import type { Clock } from "#kernel/base/clock.ts";
import { findBuiltInPolicy } from "#kernel/policy/built-in-policies.ts";
import { type CompiledPolicy, compilePolicyText } from "#kernel/policy/compile-policy.ts";
import type { Caller } from "../http/caller.ts";
import {
  type AskedResource,
  arnAsked,
  describeCaller,
  describeResource,
  isControlAllowed,
} from "../iam/caller-request.ts";

/** Whether a caller may do something. */
export type AllowsCaller = (caller: Caller, action: string, asked: AskedResource) => boolean;

/** What a credential's policies say nothing about: its user's rights. */
const everything: CompiledPolicy = compilePolicyText(
  findBuiltInPolicy("consoleAdmin")?.text ?? "",
  { kind: "managed" },
  { name: "everything" },
);

/** Reading identities; whatever else of `iam:` there is changes them. */
const readsIdentities = /^iam:(Get|List|Simulate)/;
/** Actions beside `iam:` that change identities. */
const changesIdentities = new Set(["maxiofs:SetGlobal", "maxiofs:UnlockUser"]);

/** What a narrowed credential changes of identities all the same, where it is asked for keys of its own user. */
const changesOwnKeys = new Set(["iam:CreateAccessKey", "iam:DeleteAccessKey"]);

/**
 * Narrows what callers with an API token or access key may do to what every policy of the credential allows; a narrowed one changes no
 * identity, but makes and revokes keys of its own user. A caller with a credential that the guard did not bring here may do nothing.
 */
export class TokenNarrowing {
  readonly #policies = new WeakMap<Caller, readonly CompiledPolicy[]>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Tells the policies that narrow a caller's credential, in order. One that cannot be read denies everything. */
  set(caller: Caller, policies: readonly string[]): void {
    const compiled = policies.map((text) => compilePolicyText(text, { kind: "key" }, { name: caller.via }));
    this.#policies.set(caller, compiled);
  }

  /** `allows`, narrowed. */
  narrow(allows: AllowsCaller): AllowsCaller {
    return (caller, action, asked) => this.#allows(caller, action, asked) && allows(caller, action, asked);
  }

  #allows(caller: Caller, action: string, asked: AskedResource): boolean {
    if (caller.via === "console") return true;
    const policies = this.#policies.get(caller);
    if (policies === undefined) return false;
    if (policies.length === 0) return true;
    if (isIdentityChange(action) && !isOwnKeyChange(action, asked)) return false;
    const resource = describeResource(arnAsked(asked));
    if (resource === undefined) return false;
    const { userId, global } = caller;
    // The rights of the user are asked for elsewhere: this is about the credential's policies alone.
    const user = { kind: "user", accountId: resource.account, canonicalId: "", userId, arn: "", global } as const;
    const values = describeCaller(caller, this.#clock);
    const sets = {
      narrowing: policies.map((policy) => ({ layer: "keyPolicy" as const, policies: [policy] })),
      identity: [everything],
      resource: undefined,
    };
    return isControlAllowed({ action, caller: user, values }, asked, sets);
  }
}

function isIdentityChange(action: string): boolean {
  return (action.startsWith("iam:") && !readsIdentities.test(action)) || changesIdentities.has(action);
}

function isOwnKeyChange(action: string, asked: AskedResource): boolean {
  return changesOwnKeys.has(action) && typeof asked === "object" && "forOwnKeys" in asked;
}
