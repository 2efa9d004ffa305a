import { expect, test } from "bun:test";
import { emptySha256, RequestSigner } from "./request-signer.ts";

// Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html, "Examples"
const signer = new RequestSigner({
  accessKey: "AKIAIOSFODNN7EXAMPLE",
  secretKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
  region: "us-east-1",
  host: "examplebucket.s3.amazonaws.com",
  nowMs: () => Date.UTC(2013, 4, 24),
});

test("RequestSigner: gives AWS's documented signature of GET Bucket Lifecycle", () => {
  const headers = signer.signHeaders({ method: "GET", path: "/", query: "lifecycle=", sha256: emptySha256 });
  expect(headers.authorization).toEndWith("Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
});

test("RequestSigner: gives AWS's documented signature of GET Bucket with a query", () => {
  const headers = signer.signHeaders({ method: "GET", path: "/", query: "max-keys=2&prefix=J", sha256: emptySha256 });
  expect(headers.authorization).toEndWith("Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
});
