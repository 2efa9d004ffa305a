import { expect, test } from "bun:test";
import { findAuthMethod } from "./auth-method.ts";

test("findAuthMethod: by the header, then by the query", () => {
  const byHeader = (authorization: string) => findAuthMethod({ authorization }, "");
  expect(byHeader("AWS4-HMAC-SHA256 Credential=a")).toBe("sigv4");
  expect(byHeader("AWS a:b")).toBe("sigv2");
  expect(byHeader("Bearer a")).toBe("unknown");
  expect(findAuthMethod({}, "a=1&X-Amz-Signature=0")).toBe("sigv4_presigned");
  expect(findAuthMethod({}, "AWSAccessKeyId=a&Signature=b")).toBe("sigv2_presigned");
  expect([findAuthMethod({}, ""), findAuthMethod({}, "list-type=2")]).toEqual([undefined, undefined]);
});
