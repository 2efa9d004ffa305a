import { renderTextElement, renderXmlDocument } from "#kernel/xml/write-xml.ts";
import { getRequestContext } from "./request-context.ts";

const signedHeaders = ["x-amz-date", "x-amz-content-sha256", "x-amz-security-token"];
const signedParameters = ["X-Amz-Signature", "X-Amz-Credential", "AWSAccessKeyId"];
const s3Agents = /^(aws-cli|aws-sdk|boto3?|botocore|minio|rclone|s3cmd|s3browser|cyberduck|apn)\b/i;

/**
 * The answer to an S3 request that came to this port by mistake, as S3 clients show it; undefined for every other request.
 * @param isPublic the path is one that anybody may ask for, whatever the client is
 */
export function answerS3Request(request: Request, s3Port: number, isPublic: boolean): Response | undefined {
  if (!isSigned(request) && (isPublic || !s3Agents.test(request.headers.get("user-agent") ?? ""))) return undefined;
  const place = s3Port === 0 ? "another port" : `port ${s3Port}`;
  const { requestId } = getRequestContext(request);
  const content = [
    renderTextElement("Code", "InvalidRequest"),
    renderTextElement("Message", `This port is the console's; S3 is served at ${place} of this server`),
    renderTextElement("RequestId", requestId),
  ].join("");
  const headers = { "content-type": "application/xml", "cache-control": "no-store", "x-amz-request-id": requestId };
  const body = request.method === "HEAD" ? null : renderXmlDocument("Error", content);
  return new Response(body, { status: 400, headers });
}

function isSigned(request: Request): boolean {
  if (/^aws/i.test(request.headers.get("authorization") ?? "")) return true;
  if (signedHeaders.some((name) => request.headers.has(name))) return true;
  const { searchParams } = new URL(request.url);
  return signedParameters.some((name) => searchParams.has(name));
}
