import { S3Error } from "#kernel/s3/s3-error.ts";
import type { Authentication } from "#kernel/sigv4/authentication.ts";
import type { Identity } from "../authorize.ts";
import type { DataPlane } from "../data-plane.ts";
import type { FoundSession } from "../sessions.ts";
import { authorizeRequest } from "./authorize-request.ts";
import type { S3Request } from "./s3-request.ts";

type Credentials = Pick<DataPlane, "snapshot" | "clock">;

const anonymous: Identity = { kind: "anonymous" };

/**
 * The secret of an access key, stored or temporary; undefined for one that does not count, and for a temporary one without token.
 * @throws S3Error InvalidToken, ExpiredToken, InvalidAccessKeyId, AccountProblem for a session that does not count
 */
export function findSecret(
  { snapshot, clock }: Credentials,
  accessKeyId: string,
  securityToken: string | undefined,
): { readonly secretKey: string } | undefined {
  if (securityToken === undefined) return snapshot.findKey(accessKeyId, clock.nowMs());
  return requireSession(snapshot.sessions.find(accessKeyId, securityToken, clock.nowMs()));
}

/**
 * Who a verified signature stands for.
 * @throws S3Error InvalidAccessKeyId (the key went since), AccountProblem (user or tenant suspended), of a session also
 * InvalidToken and ExpiredToken
 */
export function identify(authentication: Authentication, { snapshot, clock }: Credentials): Identity {
  if (authentication.kind === "anonymous") return anonymous;
  const { accessKeyId, securityToken } = authentication;
  if (securityToken !== undefined) {
    return requireSession(snapshot.sessions.find(accessKeyId, securityToken, clock.nowMs())).identity;
  }
  const identity = snapshot.findIdentity(accessKeyId, clock.nowMs());
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

function requireSession(found: FoundSession): Extract<FoundSession, { kind: "session" }> {
  switch (found.kind) {
    case "session":
      return found;
    case "invalid":
      throw new S3Error("InvalidToken");
    case "expired":
      throw new S3Error("ExpiredToken");
    case "revoked":
      throw new S3Error("ExpiredToken", { message: "The session of the provided token was revoked" });
    case "gone":
      throw new S3Error("InvalidAccessKeyId");
    case "suspended":
      throw new S3Error("AccountProblem");
  }
}
