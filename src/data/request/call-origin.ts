import type { CallOrigin } from "#kernel/protocol/to-control.ts";
import type { S3Request } from "./s3-request.ts";

/** What the control thread records of a signed request that changes its state. */
export function callOriginOf(request: S3Request): CallOrigin {
  const { key, user } = request.signer;
  return {
    accessKeyId: key.accessKeyId,
    principalId: user.userId,
    principalName: user.name,
    requestId: request.id,
    address: request.address,
    agent: request.header("user-agent") ?? "",
  };
}
