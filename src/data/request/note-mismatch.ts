import type { IncomingMessage } from "node:http";
import type { SignatureRecord } from "#kernel/protocol/diagnostics.ts";
import { readHeader } from "#kernel/s3/header-lookup.ts";
import { parseQuery } from "#kernel/s3/query-parameters.ts";
import type { RequestTarget } from "#kernel/s3/request-target.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import type { DataPlane } from "../data-plane.ts";

/** The request whose signature is not right. */
export interface MismatchedRequest {
  readonly id: string;
  readonly message: Pick<IncomingMessage, "headers">;
  /** Undefined when it could not be parsed. */
  readonly target: RequestTarget | undefined;
}

type Plane = Pick<DataPlane, "snapshot" | "clock" | "diagnostics">;

/** Keeps what the server signed, when that is what a request failed by, so that it can be compared with what the client signed. */
export function noteMismatch(plane: Plane, thrown: unknown, request: MismatchedRequest): void {
  if (!(thrown instanceof S3Error) || thrown.code !== "SignatureDoesNotMatch") return;
  const { AWSAccessKeyId, StringToSign, CanonicalRequest } = thrown.fields;
  // Without: a chunk of a body, whose string to sign holds the signature of the chunk before.
  if (StringToSign === undefined || AWSAccessKeyId === undefined) return;
  plane.diagnostics.noteMismatch((): SignatureRecord => {
    const accessKeyId = String(AWSAccessKeyId);
    return {
      ...{ requestId: request.id, timeMs: plane.clock.nowMs(), accessKeyId },
      tenantId: findTenantId(plane, accessKeyId, request),
      canonicalRequest: CanonicalRequest === undefined ? null : String(CanonicalRequest),
      stringToSign: String(StringToSign),
    };
  });
}

/** Tenant of an access key, stored or temporary; null when it is not known. */
function findTenantId(
  { snapshot, clock }: Plane,
  accessKeyId: string,
  { message, target }: MismatchedRequest,
): string | null {
  const inQuery = target && parseQuery(target.rawQuery).get("X-Amz-Security-Token");
  const token = inQuery ?? readHeader(message.headers, "x-amz-security-token");
  if (token === undefined) return snapshot.findIdentity(accessKeyId, clock.nowMs())?.tenant.tenantId ?? null;
  const found = snapshot.sessions.find(accessKeyId, token, clock.nowMs());
  return found.kind === "session" ? found.identity.tenant.tenantId : null;
}
