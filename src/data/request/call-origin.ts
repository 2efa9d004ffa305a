import type { CallOrigin } from "#kernel/protocol/to-control.ts";
import type { SignedIdentity } from "../authorize.ts";
import type { S3Request } from "./s3-request.ts";

/** What the control thread records of a signed request that changes its state. */
export function callOriginOf(request: S3Request): CallOrigin {
  const { id: requestId, address } = request;
  return { ...principalOf(request.signer), requestId, address, agent: request.header("user-agent") ?? "" };
}

/** The part of a call's origin that says who calls. */
export function principalOf(signer: SignedIdentity): Pick<CallOrigin, "accessKeyId" | "principalId" | "principalName"> {
  if (signer.kind === "user") {
    const { key, user } = signer;
    return { accessKeyId: key.accessKeyId, principalId: user.userId, principalName: user.name };
  }
  const { accessKeyId, session, values } = signer;
  const name = values.get("aws:username") ?? session.sessionName;
  return { accessKeyId, principalId: values.get("aws:userid") ?? session.principalId, principalName: name };
}
