import { expect, test } from "bun:test";
import { ChunkSignatureChain, emptySha256 } from "./chunk-signature.ts";
import { deriveSigningKey } from "./signing-key.ts";

const scope = { date: "20130524", region: "us-east-1", service: "s3", text: "20130524/us-east-1/s3/aws4_request" };
const signingKey = deriveSigningKey("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", scope);
const seedOf = (signature: string) => ({ signingKey, scope, timestamp: "20130524T000000Z", signature });
const sha256OfLetters = (count: number) => Bun.SHA256.hash(Buffer.alloc(count, "a"), "hex");

test("ChunkSignatureChain: equals AWS's chunked upload example", () => {
  // Source: AWS "Transferring Payload in Multiple Chunks (Chunked Upload)", example of 66,560 bytes.
  const chain = new ChunkSignatureChain(seedOf("4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"));
  chain.verifyChunk(sha256OfLetters(65_536), "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648");
  chain.verifyChunk(sha256OfLetters(1024), "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497");
  chain.verifyChunk(emptySha256, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9");
});

test("ChunkSignatureChain: equals AWS's trailer example", () => {
  // Source: AWS "Including Trailing Headers (Chunked Upload)", example of 66,560 bytes.
  const chain = new ChunkSignatureChain(seedOf("106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"));
  chain.verifyChunk(sha256OfLetters(65_536), "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2");
  chain.verifyChunk(sha256OfLetters(1024), "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7");
  chain.verifyChunk(emptySha256, "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992");
  chain.verifyTrailer(
    Bun.SHA256.hash("x-amz-checksum-crc32c:sOO8/Q==\n", "hex"),
    "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435",
  );
});

test("ChunkSignatureChain: other data, order or signature is refused and names what was signed", () => {
  const seed = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
  const right = "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648";
  const verify =
    (sha256: string, provided: string, previous = seed) =>
    () =>
      new ChunkSignatureChain(seedOf(previous)).verifyChunk(sha256, provided);
  expect(verify(sha256OfLetters(65_536), right)).not.toThrow();
  expect(verify(sha256OfLetters(65_535), right)).toThrow("signature");
  expect(verify(sha256OfLetters(65_536), right.toUpperCase())).toThrow("signature");
  expect(verify(sha256OfLetters(65_536), "")).toThrow("signature");
  expect(verify(sha256OfLetters(65_536), right, right)).toThrow("signature");
});
