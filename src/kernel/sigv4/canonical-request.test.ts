import { expect, test } from "bun:test";
import type { RequestToAuthenticate } from "./authentication.ts";
import {
  joinRepeatedHeader,
  listAmzHeaders,
  renderCanonicalRequest,
  sha256OfLatin1,
  tidyHeaderValue,
} from "./canonical-request.ts";

function requestWith(rawHeaders: readonly string[], headers: Record<string, string>): RequestToAuthenticate {
  return { method: "GET", rawPath: "/b/k", rawQuery: "", headers, rawHeaders };
}

test("tidyHeaderValue: trims and collapses spaces, keeps other bytes", () => {
  expect(tidyHeaderValue("  a   b \t")).toBe("a b");
  expect(tidyHeaderValue("a b")).toBe("a b");
  expect(tidyHeaderValue("a\t\tb")).toBe("a\t\tb");
  // The second byte of a UTF-8 letter is no white space.
  expect(tidyHeaderValue("\u00c3\u00a0")).toBe("\u00c3\u00a0");
  expect(tidyHeaderValue("   ")).toBe("");
});

test("renderCanonicalRequest: joins repeated headers with a comma, whatever the engine made of them", () => {
  const rawHeaders = [
    "Host",
    "h",
    "X-Amz-Meta-A",
    " 1  2 ",
    "x-amz-meta-a",
    "3",
    "Content-Type",
    "a",
    "content-type",
    "b",
  ];
  const request = requestWith(rawHeaders, { host: "h", "x-amz-meta-a": "1  2, 3", "content-type": "a" });
  const parts = {
    canonicalQuery: "",
    signedHeaders: ["content-type", "host", "x-amz-meta-a"],
    payloadHash: "UNSIGNED-PAYLOAD",
  };
  expect(renderCanonicalRequest(request, parts)).toBe(
    "GET\n/b/k\n\ncontent-type:a,b\nhost:h\nx-amz-meta-a:1 2,3\n\ncontent-type;host;x-amz-meta-a\nUNSIGNED-PAYLOAD",
  );
});

test("joinRepeatedHeader: is empty for a header that did not come", () => {
  expect(joinRepeatedHeader(requestWith(["Host", "h"], { host: "h" }), "range")).toBe("");
});

test("listAmzHeaders: finds x-amz- in any case and nothing else", () => {
  const rawHeaders = [
    "X-AMZ-Date",
    "1",
    "x-amzn-trace-id",
    "2",
    "X-Forwarded-For",
    "3",
    "x-amz-acl",
    "4",
    "Host",
    "x-amz-x",
  ];
  expect(listAmzHeaders(requestWith(rawHeaders, {}))).toEqual(["x-amz-date", "x-amz-acl"]);
});

test("sha256OfLatin1: hashes bytes, not UTF-8 of characters", () => {
  expect(sha256OfLatin1("")).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  expect(sha256OfLatin1("\u00c3\u00a9")).toBe(Bun.SHA256.hash("\u00e9", "hex"));
});
