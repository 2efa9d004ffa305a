import { createHash } from "node:crypto";

/** Headers of SSE-C with a key of 32 equal bytes; `side` is the object of the request, or the source of a copy. */
export function customerKeyHeaders(byte: number, side: "object" | "source" = "object"): Record<string, string> {
  const key = Buffer.alloc(32, byte);
  const prefix =
    side === "object" ? "x-amz-server-side-encryption-customer" : "x-amz-copy-source-server-side-encryption-customer";
  return {
    [`${prefix}-algorithm`]: "AES256",
    [`${prefix}-key`]: key.toString("base64"),
    [`${prefix}-key-md5`]: createHash("md5").update(key).digest("base64"),
  };
}
