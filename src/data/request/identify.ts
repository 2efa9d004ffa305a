import { S3Error } from "#kernel/s3/s3-error.ts";
import type { Authentication } from "#kernel/sigv4/authentication.ts";
import type { Identity } from "../authorize.ts";
import type { DataPlane } from "../data-plane.ts";
import { authorizeRequest } from "./authorize-request.ts";
import type { S3Request } from "./s3-request.ts";

const anonymous: Identity = { kind: "anonymous" };

/**
 * Who a verified signature stands for.
 * @throws S3Error InvalidAccessKeyId (the key went since), InvalidToken, AccountProblem (user or tenant suspended)
 */
export function identify(
  authentication: Authentication,
  { snapshot, clock }: Pick<DataPlane, "snapshot" | "clock">,
): Identity {
  if (authentication.kind === "anonymous") return anonymous;
  if (authentication.securityToken !== undefined) throw new S3Error("InvalidToken");
  const identity = snapshot.findIdentity(authentication.accessKeyId, clock.nowMs());
  if (identity === undefined) throw new S3Error("InvalidAccessKeyId");
  if (identity.user.status !== "active" || identity.tenant.status !== "active") throw new S3Error("AccountProblem");
  return identity;
}

/** Whether a request that runs would be let in now; it goes on with the identity as it is now. */
export function isStillAllowed(request: S3Request): boolean {
  try {
    const identity = identify(request.authentication, request.plane);
    if (identity === request.identity) return true;
    request.renewIdentity(identity);
    authorizeRequest(request);
    return true;
  } catch {
    return false;
  }
}
