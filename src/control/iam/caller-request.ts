import type { Clock } from "#kernel/base/clock.ts";
import { parseArn } from "#kernel/policy/arn-pattern.ts";
import { evaluateAccess, type PolicySets } from "#kernel/policy/evaluate-access.ts";
import type { AccessedResource, AccessRequest } from "#kernel/policy/evaluate-statement.ts";
import type { Caller } from "../http/caller.ts";

/**
 * What an action is asked for: an ARN, `*` for what has none of its own, the ARN of a thing of another tenant, or that of the
 * caller's own user whose keys are made or revoked.
 */
export type AskedResource =
  | string
  | { readonly arn: string; readonly values: AskedValues }
  | { readonly ofOtherTenant: string; readonly values?: AskedValues }
  | { readonly forOwnKeys: string };

/** Values of condition keys that a call has by what it asks for, such as the tags that it sets. */
export type AskedValues = Readonly<Record<string, string | readonly string[]>>;

/**
 * Whether policies allow a control request. Allow says nothing about a foreign account, so for a thing of another tenant it is asked
 * for everything; a Deny holds wherever it names the thing itself. An ARN that is none is not allowed.
 */
export function isControlAllowed(
  request: Omit<AccessRequest, "resource">,
  asked: AskedResource,
  sets: PolicySets,
): boolean {
  const resource = describeResource(request.action, arnAsked(asked));
  if (resource === undefined) return false;
  const { account } = resource;
  const ofResource = account === "" ? undefined : account;
  const values = {
    get: (name: string) => (name === "aws:ResourceAccount" ? ofResource : request.values.get(name)),
  };
  const { outcome } = evaluateAccess({ ...request, values, resource }, sets);
  if (typeof asked === "string" || !("ofOtherTenant" in asked)) return outcome === "allow";
  return outcome !== "explicitDeny" && isControlAllowed(request, "*", sets);
}

function arnAsked(asked: AskedResource): string {
  if (typeof asked === "string") return asked;
  if ("arn" in asked) return asked.arn;
  return "forOwnKeys" in asked ? asked.forOwnKeys : asked.ofOtherTenant;
}

/** Values of condition keys that come with the question. */
export function valuesAsked(asked: AskedResource): AskedValues {
  return (typeof asked === "object" && "values" in asked ? asked.values : undefined) ?? {};
}

/** What is meant by `*` for actions that touch nothing with an ARN: only the pattern `*`, or a NotResource, is about it. */
const nothingNamed: AccessedResource = {
  partition: "",
  service: "",
  region: "",
  account: "",
  path: "",
  plainName: false,
};

/** What `*` means for S3's own actions: the whole service, which `arn:aws:s3:::*` names too. */
const wholeOfS3: AccessedResource = { ...nothingNamed, partition: "aws", service: "s3", path: "*", plainName: true };

/** What an action touches, by its ARN; `*` for what has none of its own. Undefined when the text is no ARN. */
export function describeResource(action: string, arn: string): AccessedResource | undefined {
  if (arn === "*") return action.startsWith("s3:") ? wholeOfS3 : nothingNamed;
  const parsed = parseArn(arn);
  return parsed && { ...parsed, plainName: parsed.service === "s3" };
}

/** The values of condition keys for a control request. */
export function describeCaller(
  { userId, userName, address, agent, mfa, mfaAtMs, secure, via }: Caller,
  clock: Clock,
): ReadonlyMap<string, string> {
  const nowMs = clock.nowMs();
  return new Map([
    ["aws:userid", userId],
    ["aws:username", userName],
    ["aws:PrincipalType", "User"],
    ["aws:SourceIp", address],
    ["aws:UserAgent", agent],
    ["aws:SecureTransport", String(secure)],
    ["aws:MultiFactorAuthPresent", String(mfa)],
    ...(mfaAtMs === undefined ? [] : [["aws:MultiFactorAuthAge", ageOf(mfaAtMs, nowMs)] as const]),
    ["aws:CurrentTime", new Date(nowMs).toISOString()],
    ["aws:EpochTime", String(Math.floor(nowMs / 1000))],
    ["maxiofs:Via", via === "console" ? "console" : "token"],
  ]);
}

/** Whole seconds. */
function ageOf(atMs: number, nowMs: number): string {
  return String(Math.max(0, Math.floor((nowMs - atMs) / 1000)));
}
