import { expect, test } from "bun:test";
import { explainMismatch, type MismatchCause, mismatchCauses } from "./explain-mismatch.ts";

const hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const canonicalRequest = [
  ...["PUT", "/photos/a%20b", "uploadId=1", "host:s3.example", `x-amz-content-sha256:${hash}`],
  ...["x-amz-date:20260102T030405Z", "x-amz-meta-color:red", "x-amz-security-token:(sha256 00000000)", ""],
  ...["host;x-amz-content-sha256;x-amz-date;x-amz-meta-color;x-amz-security-token", hash],
].join("\n");
const stringToSign = `AWS4-HMAC-SHA256\n20260102T030405Z\n20260102/us-east-1/s3/aws4_request\n${hash}`;
const server = { canonicalRequest, stringToSign };

const seen = new Set<MismatchCause>();
/** Cause and part when the client's text has `to` where the server's has `from`. */
function explain(from: string, to: string, name: "canonicalRequest" | "stringToSign" = "canonicalRequest") {
  const changed = server[name].replace(from, to);
  expect(changed).not.toBe(server[name]);
  const client = name === "canonicalRequest" ? { canonicalRequest: changed } : { canonicalRequest, [name]: changed };
  const { difference, cause } = explainMismatch(server, client);
  seen.add(cause);
  return [cause, difference?.part];
}

test("explainMismatch: host, path, query, method, headers and payload have rules of their own", () => {
  expect(explain("host:s3.example", "host:proxy.example:8443")).toEqual(["hostRewritten", "header host"]);
  expect(explain("/photos/a%20b", "/photos/a%2520b")).toEqual(["pathEncodedTwice", "path"]);
  expect(explain("/photos/a%20b", "/s3/photos/a%20b")).toEqual(["path", "path"]);
  expect(explain("uploadId=1", "uploadId=1&x-id=Put")).toEqual(["query", "query"]);
  expect(explain("PUT", "POST")).toEqual(["method", "method"]);
  expect(explain("color:red", "color:blue")).toEqual(["headerChanged", "header x-amz-meta-color"]);
  expect(explain("x-amz-meta-color:red\n", "")).toEqual(["headersListed", "header x-amz-meta-color"]);
  expect(explain("host;x-amz-c", "HOST;x-amz-c")).toEqual(["headersListed", "signed headers"]);
  expect(explain("x-amz-date:20260102T030405Z", "x-amz-date:20260102T040405Z")).toEqual(["clock", "header x-amz-date"]);
  expect(explain(`sha256:${hash}`, "sha256:UNSIGNED-PAYLOAD")).toEqual(["payload", "header x-amz-content-sha256"]);
  expect(explain(`token\n${hash}`, "token\nUNSIGNED-PAYLOAD")).toEqual(["payload", "payload hash"]);
  expect(explain("\n\nhost;", "\nhost;")).toEqual(["malformed", undefined]);
  const [host, color] = ["host:s3.example\n", "x-amz-meta-color:red\n"];
  const reordered = canonicalRequest.replace(host, "").replace(color, color + host);
  const found = explainMismatch(server, { canonicalRequest: reordered });
  expect(found).toMatchObject({ cause: "headersListed", difference: { part: "headers" } });
});

test("explainMismatch: a header that did not arrive, and the server's path encoded once more", () => {
  const dropped = canonicalRequest.replace("color:red", "color:");
  const found = explainMismatch({ canonicalRequest: dropped, stringToSign }, { canonicalRequest });
  seen.add(found.cause);
  expect(found).toEqual({
    cause: "headerDropped",
    difference: { text: "canonicalRequest", part: "header x-amz-meta-color", server: "", client: "red" },
  });
  const twice = canonicalRequest.replace("a%20b", "a%2520b");
  expect(explainMismatch({ canonicalRequest: twice }, { canonicalRequest }).cause).toBe("pathEncodedTwice");
});

test("explainMismatch: of strings to sign algorithm, clock, region, other scope and digest", () => {
  const of = (from: string, to: string) => explain(from, to, "stringToSign");
  expect(of("AWS4-HMAC", "AWS4-ECDSA")).toEqual(["algorithm", "algorithm"]);
  expect(of("20260102T030405Z", "20260102T030406Z")).toEqual(["clock", "time"]);
  expect(of("us-east-1", "eu-west-1")).toEqual(["region", "credential scope"]);
  expect(of("/s3/", "/sts/")).toEqual(["scope", "credential scope"]);
  expect(of("20260102/", "20260103/")).toEqual(["scope", "credential scope"]);
  expect(of(hash, "0".repeat(64))).toEqual(["hash", "digest of the canonical request"]);
  expect(of(hash, `${hash}\nmore`)).toEqual(["text", "line 5"]);
  const alone = explainMismatch(server, { stringToSign: stringToSign.replace(hash, "0".repeat(64)) });
  seen.add(alone.cause);
  expect(alone).toMatchObject({ cause: "canonicalRequest", difference: { client: "0".repeat(64) } });
  const v2 = explainMismatch({ stringToSign: "GET\n\n\n1\n/a" }, { stringToSign: "GET\n\n\n1\n/b" });
  expect(v2).toMatchObject({ cause: "text", difference: { part: "line 5", server: "/a", client: "/b" } });
});

test("explainMismatch: what is equal leaves the secret key; line ends of pasted text do not count; secrets are compared", () => {
  const pasted = `${canonicalRequest.replaceAll("\n", "\r\n")}\r\n`;
  const equal = explainMismatch(server, { canonicalRequest: pasted, stringToSign: `${stringToSign}\n` });
  seen.add(equal.cause);
  expect(equal).toEqual({ difference: null, cause: "secret" });
  const token = explainMismatch(server, {
    canonicalRequest: canonicalRequest.replace(/\(sha256 0+\)/, "secret-token"),
  });
  expect(token).toMatchObject({ cause: "headerChanged", difference: { part: "header x-amz-security-token" } });
  expect(JSON.stringify(token)).not.toContain("secret-token");
});

test("mismatchCauses: each is the answer to something above", () => {
  expect([...seen].toSorted()).toEqual(Object.keys(mismatchCauses).toSorted() as MismatchCause[]);
});
