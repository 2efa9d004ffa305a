import type { ReportedDenial } from "#kernel/protocol/diagnostics.ts";
import type { Log } from "../observe/log.ts";
import type { AuditEvent } from "./audit-event.ts";
import type { AuditTrail } from "./audit-trail.ts";

/** What recording stands on. */
export interface WorkerDenialsOptions {
  readonly audit: Pick<AuditTrail, "recordDenial">;
  readonly log: Log;
}

/** Denials of S3 requests as a worker counted them. */
export interface WorkerDenials {
  readonly denials: readonly ReportedDenial[];
  /** Denials that had no room. */
  readonly droppedCount: number;
}

/** Records denials of S3 requests, those that had no room as one event of the server; returns at once. */
export function recordWorkerDenials(
  { audit, log }: WorkerDenialsOptions,
  { denials, droppedCount }: WorkerDenials,
): void {
  for (const denial of denials) audit.recordDenial(eventOf(denial), denial.count);
  if (droppedCount === 0) return;
  const actor = { kind: "system", id: "overflow", name: "overflow" } as const;
  const event = { tenantId: null, actor, action: "audit:ManyDenials", outcome: "denied", via: "s3" } as const;
  audit.recordDenial(event, droppedCount);
  log.warn("Too many different denials to record each", { droppedCount });
}

function eventOf({ tenantId, actor, action, bucket, ...origin }: ReportedDenial): AuditEvent {
  const { requestId, address, agent } = origin;
  const resource = bucket && {
    ...{ kind: "bucket", id: bucket.bucketId, name: bucket.name, arn: `arn:aws:s3:::${bucket.name}` },
  };
  return {
    tenantId,
    actor: actor === null ? { kind: "anonymous", id: "anonymous", name: "anonymous" } : { kind: "user", ...actor },
    action,
    ...(resource !== null && { resource }),
    ...{ outcome: "denied", code: "AccessDenied", requestId, address, agent, via: "s3" },
  };
}
