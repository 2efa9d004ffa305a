import type { BucketEntry, KeyEntry } from "#kernel/protocol/snapshot.ts";
import type { CallOrigin } from "#kernel/protocol/to-control.ts";
import type { AuditEvent } from "../audit/audit-event.ts";

/** Who made or deleted a bucket: a request, or the server itself when it finishes what a crash interrupted. */
export interface BucketActor {
  readonly origin: CallOrigin | undefined;
  /** Of the request's access key. */
  readonly key: KeyEntry | undefined;
}

/** The event of a bucket that was made or deleted. */
export function bucketEvent(action: string, entry: BucketEntry, { origin, key }: BucketActor): AuditEvent {
  const { bucketId: id, name, tenantId, region } = entry;
  const system = { kind: "system", id: "recovery", name: "recovery" } as const;
  const { accessKeyId, ...from } = origin ?? {};
  return {
    tenantId,
    actor:
      key === undefined ? system : { kind: "user", id: key.userId, name: key.userName, accessKeyId: key.accessKeyId },
    action,
    resource: { kind: "bucket", id, name, arn: `arn:aws:s3:::${name}` },
    outcome: "success",
    ...from,
    via: origin === undefined ? "system" : "s3",
    ...(action === "s3:CreateBucket" && { change: { region: { after: region } } }),
  };
}
