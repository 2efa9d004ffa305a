const chunkedAnywhere = /aws-chunked/i;

/**
 * The `Content-Encoding` to store: each `aws-chunked` token is taken out, the rest joined with `,`; undefined when nothing
 * is left. A value without that token stays verbatim.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
 */
export function stripAwsChunked(value: string | undefined): string | undefined {
  if (value === undefined || value === "") return undefined;
  if (!chunkedAnywhere.test(value)) return value;
  const rest: string[] = [];
  for (const token of value.split(",")) {
    const trimmed = token.trim();
    if (trimmed !== "" && trimmed.toLowerCase() !== "aws-chunked") rest.push(trimmed);
  }
  return rest.length === 0 ? undefined : rest.join(",");
}
