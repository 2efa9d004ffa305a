import type { IncomingMessage } from "node:http";
import type { BucketEntry } from "#kernel/protocol/snapshot.ts";
import type { OperationSpec } from "#kernel/s3/operation.ts";
import type { RequestTarget } from "#kernel/s3/request-target.ts";
import type { DataPlane } from "../data-plane.ts";
import { principalOf } from "../request/call-origin.ts";
import { clientAddress, type S3Request } from "../request/s3-request.ts";

/** UTF-16 units. */
const maxAgentLength = 256;

/** A request that was answered. */
export interface AnsweredRequest {
  readonly id: string;
  readonly message: IncomingMessage;
  readonly target: RequestTarget | undefined;
  /** The bucket as it was when the request began; undefined when there was none. */
  readonly entry: BucketEntry | undefined;
  readonly spec: OperationSpec;
  /** Undefined when it was refused before its caller was known. */
  readonly request: S3Request | undefined;
  readonly errorCode: string | undefined;
  readonly moved: { readonly status: number; readonly bytesIn: number; readonly bytesOut: number };
}

/** Hands the event of a request for an object to the audit. */
export function recordDataEvent(
  { dataEvents, snapshot, clock }: Pick<DataPlane, "dataEvents" | "snapshot" | "clock">,
  { id, message, target, entry, spec, request, errorCode, moved }: AnsweredRequest,
): void {
  const identity = request?.identity;
  const caller = identity === undefined || identity.kind === "anonymous" ? undefined : identity;
  const principal = caller && principalOf(caller);
  const tenantId = entry?.tenantId ?? caller?.tenant.tenantId ?? null;
  const isOwn = caller?.tenant.tenantId === tenantId;
  dataEvents.take({
    timeMs: clock.nowMs(),
    tenantId,
    // Names mean something in their own tenant alone: elsewhere the ARN is the name.
    actor: principal
      ? {
          id: principal.principalId,
          name: isOwn ? principal.principalName : (caller?.arn ?? ""),
          accessKeyId: principal.accessKeyId,
        }
      : null,
    action: spec.actions[0]?.action ?? `s3:${spec.name}`,
    ...{ bucket: target?.bucket, bucketId: entry?.bucketId, key: target?.key },
    ...{ code: errorCode, requestId: id },
    address: clientAddress(message, snapshot.settings["server.trusted_proxies"]),
    agent: (message.headers["user-agent"] ?? "").slice(0, maxAgentLength),
    ...moved,
  });
}
