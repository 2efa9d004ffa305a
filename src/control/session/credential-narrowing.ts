import type { Caller } from "../http/caller.ts";
import type { AskedResource } from "../iam/caller-request.ts";

/** Whether a caller may do something. */
export type AllowsCaller = (caller: Caller, action: string, asked: AskedResource) => boolean;

/** Reading identities; whatever else of `iam:` there is changes them. */
const readsIdentities = /^iam:(Get|List|Simulate)/;
/** Actions beside `iam:` that change identities. */
const changesIdentities = new Set([
  ...["maxiofs:SetGlobal", "maxiofs:UnlockUser"],
  ...["maxiofs:CreateTenant", "maxiofs:UpdateTenant", "maxiofs:DeleteTenant"],
]);
/** What a narrowed credential changes of identities all the same, where it is asked for keys of its own user. */
const changesOwnKeys = new Set(["iam:CreateAccessKey", "iam:DeleteAccessKey"]);

/** `allows`, where callers whose credential is narrowed change no identity, but make and revoke keys of their own user. */
export function keepIdentities(allows: AllowsCaller): AllowsCaller {
  return (caller, action, asked) => {
    const isKept = caller.narrowing.length > 0 && isIdentityChange(action) && !isOwnKeyChange(action, asked);
    return !isKept && allows(caller, action, asked);
  };
}

function isIdentityChange(action: string): boolean {
  return (action.startsWith("iam:") && !readsIdentities.test(action)) || changesIdentities.has(action);
}

function isOwnKeyChange(action: string, asked: AskedResource): boolean {
  return changesOwnKeys.has(action) && typeof asked === "object" && "forOwnKeys" in asked;
}
