import type { SessionAnswer } from "../protocol/sts.ts";
import { renderIsoDate } from "../s3/http-date.ts";
import { renderElement, renderOptionalElement, renderTextElement } from "../xml/write-xml.ts";
import { type StsError, stsNamespace } from "./sts-error.ts";

/** Who a credential stands for. */
export interface CallerIdentity {
  readonly arn: string;
  /** `AIDA...`, or `AROA...:session`. */
  readonly userId: string;
  readonly accountId: string;
}

const declaration = '<?xml version="1.0" encoding="UTF-8"?>\n';

/** Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html */
export function renderCallerIdentity({ arn, userId, accountId }: CallerIdentity, requestId: string): string {
  const result =
    renderTextElement("Arn", arn) + renderTextElement("UserId", userId) + renderTextElement("Account", accountId);
  return renderResponse("GetCallerIdentity", result, requestId);
}

/**
 * Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html, API_GetSessionToken.html
 * @param action `AssumeRole` or `GetSessionToken`
 */
export function renderSession(
  action: string,
  session: Extract<SessionAnswer, { kind: "issued" }>,
  requestId: string,
): string {
  const { accessKeyId, secretKey, sessionToken, expiresAtMs, assumed, sourceIdentity, packedPercent } = session;
  const credentials =
    renderTextElement("AccessKeyId", accessKeyId) +
    renderTextElement("SecretAccessKey", secretKey) +
    renderTextElement("SessionToken", sessionToken) +
    renderTextElement("Expiration", renderIsoDate(expiresAtMs));
  const role = assumed && renderTextElement("AssumedRoleId", assumed.id) + renderTextElement("Arn", assumed.arn);
  const result =
    renderElement("Credentials", credentials) +
    (role === undefined ? "" : renderElement("AssumedRoleUser", role)) +
    renderOptionalElement("SourceIdentity", sourceIdentity) +
    renderOptionalElement("PackedPolicySize", packedPercent);
  return renderResponse(action, result, requestId);
}

/** The document of an error. */
export function renderStsError({ code, status, message }: StsError, requestId: string): string {
  const error =
    renderTextElement("Type", status < 500 ? "Sender" : "Receiver") +
    renderTextElement("Code", code) +
    renderTextElement("Message", message);
  return renderDocument("ErrorResponse", renderElement("Error", error) + renderTextElement("RequestId", requestId));
}

function renderResponse(action: string, result: string, requestId: string): string {
  const metadata = renderElement("ResponseMetadata", renderTextElement("RequestId", requestId));
  return renderDocument(`${action}Response`, renderElement(`${action}Result`, result) + metadata);
}

function renderDocument(root: string, content: string): string {
  return `${declaration}<${root} xmlns="${stsNamespace}">${content}</${root}>`;
}
