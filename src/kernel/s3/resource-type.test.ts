import { describe, expect, test } from "bun:test";
import { resourceType } from "./resource-type.ts";

describe("resourceType", () => {
  test("resourceType: names of error documents and access logs", () => {
    expect(resourceType("service", undefined)).toBe("SERVICE");
    expect(resourceType("bucket", undefined)).toBe("BUCKET");
    expect(resourceType("key", undefined)).toBe("OBJECT");
    expect(resourceType("bucket", "policy")).toBe("BUCKETPOLICY");
    expect(resourceType("bucket", "versions")).toBe("BUCKETVERSIONS");
    expect(resourceType("bucket", "uploads")).toBe("UPLOADS");
    expect(resourceType("bucket", "tagging")).toBe("TAGGING");
    expect(resourceType("key", "tagging")).toBe("OBJECT_TAGGING");
    expect(resourceType("key", "uploadId")).toBe("UPLOAD");
    expect(resourceType("bucket", "intelligent-tiering")).toBe("INTELLIGENT_TIERING");
  });
});
