import type { Clock } from "#kernel/base/clock.ts";
import { parseArn } from "#kernel/policy/arn-pattern.ts";
import type { AccessedResource } from "#kernel/policy/evaluate-statement.ts";
import type { Caller } from "../http/caller.ts";

/** A resource by its ARN; `*` for what has none of its own. Undefined when the text is no ARN. */
export function describeResource(arn: string): AccessedResource | undefined {
  if (arn === "*") {
    return { partition: "aws", service: "s3", region: "", account: "", path: "*", plainName: true };
  }
  const parsed = parseArn(arn);
  return parsed && { ...parsed, plainName: parsed.service === "s3" };
}

/** The values of condition keys for a control request. */
export function describeCaller(
  { userId, userName, address, agent, mfa, via }: Caller,
  clock: Clock,
): ReadonlyMap<string, string> {
  const nowMs = clock.nowMs();
  return new Map([
    ["aws:userid", userId],
    ["aws:username", userName],
    ["aws:PrincipalType", "User"],
    ["aws:SourceIp", address],
    ["aws:UserAgent", agent],
    ["aws:MultiFactorAuthPresent", String(mfa)],
    ["aws:CurrentTime", new Date(nowMs).toISOString()],
    ["aws:EpochTime", String(Math.floor(nowMs / 1000))],
    ["maxiofs:Via", via === "console" ? "console" : "token"],
  ]);
}
