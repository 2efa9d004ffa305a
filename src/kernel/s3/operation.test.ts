import { describe, expect, test } from "bun:test";
import { defineOperation } from "./operation.ts";

describe("defineOperation", () => {
  test("defineOperation: the request gives method, level, sub-resource and required parameters", () => {
    const spec = defineOperation("SelectObjectContent", "POST K?select&select-type=2&id", {
      wave: 2,
      actions: [],
      parameters: ["versionId"],
    });
    expect(spec.method).toBe("POST");
    expect(spec.level).toBe("key");
    expect(spec.subresource).toBe("select");
    expect(spec.requiredParameters).toEqual([
      { name: "select-type", value: "2" },
      { name: "id", value: undefined },
    ]);
    expect([...spec.parameters]).toEqual(["versionId", "select", "select-type", "id"]);
  });

  test("defineOperation: a request without sub-resource may still require a parameter", () => {
    const spec = defineOperation("ListObjectsV2", "GET B?list-type=2", { wave: 1, actions: [] });
    expect(spec.subresource).toBeUndefined();
    expect(spec.requiredParameters).toEqual([{ name: "list-type", value: "2" }]);
  });

  test("defineOperation: the answer follows from reason and emptyCode unless given", () => {
    const base = { wave: 3, actions: [] } as const;
    expect(defineOperation("ListBuckets", "GET /", base).answer).toBe("full");
    expect(defineOperation("ListBuckets", "GET /", { ...base, reason: "No" }).answer).toBe("notImplemented");
    expect(defineOperation("ListBuckets", "GET /", { ...base, emptyCode: "NoSuchKey" }).answer).toBe("empty");
    expect(defineOperation("ListBuckets", "GET /", { ...base, answer: "empty" }).answer).toBe("empty");
  });
});
