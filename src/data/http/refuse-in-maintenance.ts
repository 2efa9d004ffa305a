import type { OperationSpec } from "#kernel/s3/operation.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";

/** Clients wait this long before they try again, seconds. */
const retryAfterSeconds = 30;

/** POST alone, and yet it changes nothing. */
const readingPosts: ReadonlySet<string> = new Set(["SelectObjectContent"]);

/** Whether an operation changes anything: every one that is not asked for by GET, HEAD or OPTIONS, but for queries. */
export function changesState({ method, name }: Pick<OperationSpec, "method" | "name">): boolean {
  return (method === "PUT" || method === "POST" || method === "DELETE") && !readingPosts.has(name);
}

/** @throws S3Error ServiceUnavailable for an operation that changes anything while `system.maintenance_mode` is on */
export function refuseInMaintenance(spec: OperationSpec, isMaintenance: boolean): void {
  if (!isMaintenance || !changesState(spec)) return;
  throw new S3Error("ServiceUnavailable", {
    message: "The server is in maintenance mode: nothing can be changed for the time being",
    headers: { "Retry-After": String(retryAfterSeconds) },
  });
}
