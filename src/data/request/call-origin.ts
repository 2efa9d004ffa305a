import type { CallOrigin } from "#kernel/protocol/to-control.ts";
import type { S3Request } from "./s3-request.ts";

/** What the control thread records of a signed request that changes its state. */
export function callOriginOf(request: S3Request): CallOrigin {
  return {
    accessKeyId: request.caller.accessKeyId,
    requestId: request.id,
    address: request.message.socket.remoteAddress ?? "",
    agent: request.header("user-agent") ?? "",
  };
}
