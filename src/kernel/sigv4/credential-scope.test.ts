import { expect, test } from "bun:test";
import { parseCredential } from "./credential-scope.ts";

test("parseCredential: splits key id and scope", () => {
  expect(parseCredential("AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request")).toEqual({
    accessKeyId: "AKIAIOSFODNN7EXAMPLE",
    scope: { date: "20130524", region: "us-east-1", service: "s3", text: "20130524/us-east-1/s3/aws4_request" },
  });
});

test("parseCredential: refuses missing, extra and malformed parts", () => {
  const refused = [
    "",
    "AK",
    "AK/20130524/us-east-1/s3",
    "AK/2013052/us-east-1/s3/aws4_request",
    "AK/2013-5-24/us-east-1/s3/aws4_request",
  ];
  refused.push(
    "/20130524/us-east-1/s3/aws4_request",
    "AK/20130524//s3/aws4_request",
    "AK/20130524/us-east-1//aws4_request",
  );
  refused.push(
    "AK/20130524/us-east-1/s3/aws5_request",
    "AK/x/20130524/us-east-1/s3/aws4_request",
    "A K/20130524/us-east-1/s3/aws4_request",
  );
  refused.push(
    `${"A".repeat(129)}/20130524/us-east-1/s3/aws4_request`,
    "AK/20130524/us\neast/s3/aws4_request",
    "AK/20130524/us-east-1/s3/aws4_request/",
  );
  for (const text of refused) expect(parseCredential(text)).toBeUndefined();
});
