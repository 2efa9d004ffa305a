import { expect, test } from "bun:test";
import { encodeAwsChunked, presignUrl, signRequest } from "./s3-signer.ts";

// Source: AWS "Signature Calculations for the Authorization Header" and "Using Query Parameters", examples.
const identity = {
  accessKeyId: "AKIAIOSFODNN7EXAMPLE",
  secretKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
  region: "us-east-1",
  date: new Date("2013-05-24T00:00:00Z"),
};

test("signRequest: equals AWS's GET example", () => {
  const headers = signRequest({
    ...identity,
    method: "GET",
    url: "https://examplebucket.s3.amazonaws.com/test.txt",
    headers: { Range: "bytes=0-9" },
  });
  expect(headers["authorization"]).toBe(
    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
  );
});

test("presignUrl: equals AWS's example", () => {
  const url = presignUrl({
    ...identity,
    method: "GET",
    url: "https://examplebucket.s3.amazonaws.com/test.txt",
    expiresSeconds: 86_400,
  });
  expect(url).toEndWith("&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
});

test("encodeAwsChunked: frames unsigned chunks and a trailer", () => {
  const { headers, body } = encodeAwsChunked(Buffer.from("hello"), {
    ...identity,
    method: "PUT",
    url: "http://localhost/b/k",
    signed: false,
    trailer: { name: "x-amz-checksum-crc32", value: "NhCmhg==" },
    chunkBytes: 4,
  });
  expect(Buffer.from(body).toString()).toBe("4\r\nhell\r\n1\r\no\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n");
  expect(headers["x-amz-decoded-content-length"]).toBe("5");
  expect(headers["content-length"]).toBe(String(body.length));
});
