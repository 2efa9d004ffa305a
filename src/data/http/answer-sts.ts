import type { IncomingMessage, ServerResponse } from "node:http";
import { parseArn } from "#kernel/policy/arn-pattern.ts";
import type { SessionAnswer, SessionOrder } from "#kernel/protocol/sts.ts";
import type { RequestTarget } from "#kernel/s3/request-target.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import type { Authentication } from "#kernel/sigv4/authentication.ts";
import { parseAuthorizationHeader } from "#kernel/sigv4/authorization-header.ts";
import { authenticateRequest } from "#kernel/sigv4/verify-request.ts";
import { parseForm } from "#kernel/sts/parse-form.ts";
import { parseAssumeRole, parseGetSessionToken } from "#kernel/sts/parse-session-order.ts";
import { renderCallerIdentity, renderSession, renderStsError } from "#kernel/sts/render-sts.ts";
import { StsError, stsErrorOf } from "#kernel/sts/sts-error.ts";
import type { SignedIdentity } from "../authorize.ts";
import type { DataPlane } from "../data-plane.ts";
import { announcesBody } from "../listener/closing-response.ts";
import { principalOf } from "../request/call-origin.ts";
import { toS3Error } from "../request/error-document.ts";
import { findSecret, identify } from "../request/identify.ts";
import { noteMismatch } from "../request/note-mismatch.ts";
import { commonHeaders } from "../request/respond.ts";
import { clientAddress } from "../request/s3-request.ts";
import { withForm } from "./read-form.ts";

/** A request of AWS's query protocol, before anything of it is believed. */
export interface StsRequest {
  readonly id: string;
  readonly message: IncomingMessage;
  readonly response: ServerResponse;
  readonly awaitsContinue: boolean;
  readonly target: RequestTarget;
  readonly count: CountAuthentication;
}

/** Counts whether somebody is who he says. */
export type CountAuthentication = (authenticate: () => Authentication) => Authentication;

const stsVersion = "2011-06-15";

/**
 * Answers STS on the S3 port: form, signature (service `sts`, over the whole body), action; errors are rendered here. The worker
 * tells who a credential is, the control thread gives out new ones.
 * Source: https://docs.aws.amazon.com/STS/latest/APIReference/
 */
export async function answerSts(plane: DataPlane, request: StsRequest): Promise<void> {
  const { id, response } = request;
  try {
    const holder = claimedKey(plane, request);
    const room = { budget: plane.formBudget, holder };
    const document = await withForm(request, room, (bytes) => act(plane, request, bytes));
    respond(request, 200, document);
  } catch (thrown) {
    noteMismatch(plane, thrown, request);
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const error = thrown instanceof StsError ? thrown : stsErrorOf(toS3Error(thrown));
    if (error.status === 500) plane.log("error", "STS request failed", { requestId: id, reason: String(thrown) });
    respond(request, error.status, renderStsError(error, id));
  }
}

/**
 * The access key that a form says it is signed with. Nobody is asked to send a form that no known key can have signed.
 * @throws StsError MissingAuthenticationToken, S3Error as for S3: malformed headers, unknown keys, sessions that are over
 */
function claimedKey(plane: DataPlane, { message, target, count }: StsRequest): string {
  const { authorization } = message.headers;
  if (authorization === undefined) {
    if (target.rawQuery === "") throw new StsError("MissingAuthenticationToken");
    return "";
  }
  // Whatever else may be wrong with the signature is told once the form is there.
  const find = () => {
    const { accessKeyId } = parseAuthorizationHeader(authorization).credential;
    const token = message.headers["x-amz-security-token"]?.toString();
    if (findSecret(plane, accessKeyId, token) === undefined) throw new S3Error("InvalidAccessKeyId");
    return accessKeyId;
  };
  try {
    return find();
  } catch (error) {
    count(() => {
      throw error;
    });
    throw error;
  }
}

/** @returns the document of a success. @throws StsError, S3Error */
async function act(plane: DataPlane, request: StsRequest, body: Uint8Array): Promise<string> {
  const form = parseForm(body);
  const action = form.get("Action") ?? "";
  const version = form.get("Version") ?? "";
  if (action === "") throw new StsError("MissingAction");
  if (version !== stsVersion) throw unknownAction(action, version);
  const identity = authenticate(plane, request, body);
  plane.limits.admit({ identity, bucket: undefined }, request.message.socket);
  switch (action) {
    case "GetCallerIdentity": {
      plane.keyUses.note(identity, "sts", action);
      const { arn, values, tenant } = identity;
      const userId = values.get("aws:userid") ?? "";
      return renderCallerIdentity({ arn, userId, accountId: tenant.accountId }, request.id);
    }
    case "AssumeRole":
      return issue(plane, request, { identity, order: parseAssumeRole(form), action });
    case "GetSessionToken":
      return issue(plane, request, { identity, order: parseGetSessionToken(form), action });
    default:
      throw unknownAction(action, version);
  }
}

interface WantedSession {
  readonly identity: SignedIdentity;
  readonly order: SessionOrder;
  readonly action: string;
}

async function issue(
  plane: DataPlane,
  request: StsRequest,
  { identity, order, action }: WantedSession,
): Promise<string> {
  plane.keyUses.note(identity, "sts", action);
  const principal = principalOf(identity);
  const { message, id: requestId } = request;
  const { accessKeyId } = principal;
  const address = clientAddress(message, plane.snapshot.settings["server.trusted_proxies"]);
  const answer = (await plane.control.call({
    kind: "issueSession",
    order,
    credential: { accessKeyId, session: identity.kind === "session" ? identity.session : undefined },
    origin: { ...principal, requestId, address, agent: message.headers["user-agent"] ?? "" },
    secure: Reflect.get(message.socket, "encrypted") === true,
  })) as SessionAnswer;
  if (answer.kind === "refused") {
    if (answer.code === "AccessDenied")
      keepDenial(plane, { request, identity, order, action, address }, answer.message);
    throw new StsError(answer.code, answer.message);
  }
  return renderSession(action, answer, requestId);
}

/** The control thread decided and records it; asked for the request, this worker tells why. */
function keepDenial(
  plane: DataPlane,
  {
    request,
    identity,
    order,
    action,
    address,
  }: WantedSession & { readonly request: StsRequest; readonly address: string },
  reason: string,
): void {
  const nowMs = plane.clock.nowMs();
  const role = order.kind === "assumeRole" ? parseArn(order.roleArn) : undefined;
  const values = new Map<string, string | readonly string[]>([
    ["aws:SourceIp", address],
    ["aws:UserAgent", request.message.headers["user-agent"] ?? ""],
    ["aws:CurrentTime", new Date(nowMs).toISOString()],
  ]);
  plane.diagnostics.keepDenial({
    ...{ requestId: request.id, timeMs: nowMs, operation: action, action: `sts:${action}`, reason, identity },
    resource: role === undefined ? everything : { ...role, plainName: false },
    ownerTenantId: null,
    values: { get: (name) => values.get(name) ?? identity.values.get(name) },
  });
}

const everything = { ...{ partition: "", service: "", region: "", account: "" }, path: "*", plainName: false };

/** Who signed the form. @throws S3Error as for S3; StsError MissingAuthenticationToken, SignatureDoesNotMatch */
function authenticate(plane: DataPlane, { message, target, count }: StsRequest, body: Uint8Array): SignedIdentity {
  const bodySha256 = new Bun.CryptoHasher("sha256").update(body).digest("hex");
  const announced = message.headers["x-amz-content-sha256"];
  // A signature that leaves the body out says nothing about what is asked for.
  if (announced !== undefined && announced !== bodySha256) {
    throw new StsError("SignatureDoesNotMatch", "The value of x-amz-content-sha256 must be the SHA-256 of the form");
  }
  const { settings } = plane.snapshot;
  const authentication = count(() =>
    authenticateRequest(
      {
        ...{ method: "POST", rawPath: target.rawPath, rawQuery: target.rawQuery, bodySha256 },
        ...{ headers: message.headers, rawHeaders: message.rawHeaders },
      },
      {
        findKey: (accessKeyId, securityToken) => findSecret(plane, accessKeyId, securityToken),
        nowMs: plane.clock.nowMs(),
        signatureV2: "off",
        region: settings["s3.region"],
        strictRegion: settings["s3.strict_region"],
        services: ["sts"],
      },
    ),
  );
  if (authentication.kind === "signed" && authentication.carrier !== "header") {
    throw new StsError("IncompleteSignature", "Forms are signed by the Authorization header, which covers the body");
  }
  const identity = identify(authentication, plane);
  if (identity.kind === "anonymous") throw new StsError("MissingAuthenticationToken");
  return identity;
}

function unknownAction(action: string, version: string): StsError {
  const [name, of] = [action, version].map((text) => JSON.stringify(text.slice(0, 64)));
  return new StsError("InvalidAction", `Could not find operation ${name} for version ${of}`);
}

function respond({ id, message, response }: StsRequest, status: number, document: string): void {
  const headers = commonHeaders(id);
  headers["x-amzn-RequestId"] = id;
  headers["Content-Type"] = "text/xml";
  headers["Content-Length"] = Buffer.byteLength(document);
  if (status === 503) headers["Retry-After"] = "1";
  if (!message.complete && announcesBody(message)) headers["Connection"] = "close";
  response.writeHead(status, headers);
  response.end(document);
}
