import { describe, expect, test } from "bun:test";
import { onBucket, onKey, onKeyWhen } from "./required-action.ts";

describe("required actions", () => {
  test("onBucket: with and without condition", () => {
    expect(onBucket("s3:ListBucket")).toEqual({ action: "s3:ListBucket", on: "bucket" });
    expect(onBucket("s3:PutBucketAcl", "acl")).toEqual({ action: "s3:PutBucketAcl", on: "bucket", when: "acl" });
  });

  test("onKey, onKeyWhen: version action and condition", () => {
    expect(onKey("s3:a")).toEqual({ action: "s3:a", on: "key" });
    expect(onKey("s3:a", "s3:b")).toEqual({ action: "s3:a", versionAction: "s3:b", on: "key" });
    expect(onKeyWhen("s3:a", "tagging")).toEqual({ action: "s3:a", on: "key", when: "tagging" });
  });
});
