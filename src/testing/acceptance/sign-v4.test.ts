import { expect, test } from "bun:test";
import { encodeChunks } from "./chunked-body.ts";
import { encodePath, presignTarget, sha256Hex, signHeaders } from "./sign-v4.ts";

// Source of all values: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html and its sister pages.
const example = {
  credentials: { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" },
  dateMs: Date.UTC(2013, 4, 24),
  region: "us-east-1",
} as const;
const host = "examplebucket.s3.amazonaws.com";

test("signHeaders: GET Object of the documentation", () => {
  const headers = { host, range: "bytes=0-9", "x-amz-content-sha256": sha256Hex("") };
  const { seed } = signHeaders({ ...example, method: "GET", target: "/test.txt", headers });
  expect(seed.signature).toBe("f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
});

test("signHeaders: GET Bucket with parameters of the documentation", () => {
  const headers = { host, "x-amz-content-sha256": sha256Hex("") };
  const { seed } = signHeaders({ ...example, method: "GET", target: "/?max-keys=2&prefix=J", headers });
  expect(seed.signature).toBe("34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
});

test("presignTarget: the URL of the documentation", () => {
  const target = presignTarget({ ...example, method: "GET", target: "/test.txt", headers: { host } }, 86_400);
  expect(target).toEndWith("&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
});

test("encodeChunks: the chunked upload of the documentation", () => {
  const headers = {
    host: "s3.amazonaws.com",
    "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    "x-amz-decoded-content-length": "66560",
    "content-encoding": "aws-chunked",
    "content-length": "66824",
    "x-amz-storage-class": "REDUCED_REDUNDANCY",
  };
  const { seed } = signHeaders({ ...example, method: "PUT", target: "/examplebucket/chunkObject.txt", headers });
  expect(seed.signature).toBe("4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9");
  const { pieces } = encodeChunks(Buffer.alloc(66_560, "a"), { seed, chunkBytes: 65_536 });
  expect(pieces.filter((piece) => piece.includes("signature=")).map((piece) => String(piece).trim())).toEqual([
    "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
    "400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
    "0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
  ]);
  expect(Buffer.concat(pieces).length).toBe(66_824);
});

test("encodePath: keeps slashes and unreserved characters, encodes all else as UTF-8", () => {
  expect(encodePath("a/b c+d%'()*!~_-.\u00e9")).toBe("a/b%20c%2Bd%25%27%28%29%2A%21~_-.%C3%A9");
});
