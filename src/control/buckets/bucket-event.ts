import type { BucketEntry } from "#kernel/protocol/snapshot.ts";
import type { CallOrigin } from "#kernel/protocol/to-control.ts";
import type { AuditEvent } from "../audit/audit-event.ts";

/**
 * The event of a bucket that was made or deleted.
 * @param origin the request; undefined when the server finishes what a crash interrupted
 */
export function bucketEvent(action: string, entry: BucketEntry, origin: CallOrigin | undefined): AuditEvent {
  const { bucketId: id, name, tenantId, region } = entry;
  const { accessKeyId, principalId, principalName, ...from } = origin ?? {};
  return {
    tenantId,
    actor: actorOf(origin),
    action,
    resource: { kind: "bucket", id, name, arn: `arn:aws:s3:::${name}` },
    outcome: "success",
    ...from,
    via: origin === undefined ? "system" : "s3",
    ...(action === "s3:CreateBucket" && { change: { region: { after: region } } }),
  };
}

function actorOf(origin: CallOrigin | undefined): AuditEvent["actor"] {
  if (origin === undefined) return { kind: "system", id: "recovery", name: "recovery" };
  return { kind: "user", id: origin.principalId, name: origin.principalName, accessKeyId: origin.accessKeyId };
}
