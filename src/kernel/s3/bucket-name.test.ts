import { expect, test } from "bun:test";
import { isBucketName, parseBucketName } from "./bucket-name.ts";
import { S3Error } from "./s3-error.ts";

const good = ["abc", "a-b", "a.b.c", "0bucket9", "a".repeat(63), "1.2.3", "1.2.3.4a", "my--bucket"];
const bad = [
  "",
  "ab",
  "a".repeat(64),
  "Abc",
  "a_b",
  "-ab",
  "ab-",
  ".ab",
  "ab.",
  "a..b",
  "a.-b",
  "a-.b",
  "192.168.0.1",
  "999.1.1.1",
  "xn--abc",
  "abc-s3alias",
  "abc--ol-s3",
  "abc.mrap",
  "abc--x-s3",
  "abc--table-s3",
  "abc\n",
  "tenant:abc",
  "käse",
  "a/b",
];

test("isBucketName: AWS's naming rules", () => {
  for (const name of good) expect([name, isBucketName(name)]).toEqual([name, true]);
  for (const name of bad) expect([name, isBucketName(name)]).toEqual([name, false]);
});

test("parseBucketName: returns the name or throws InvalidBucketName naming it", () => {
  expect(String(parseBucketName("abc"))).toBe("abc");
  try {
    parseBucketName("A");
    expect.unreachable();
  } catch (error) {
    expect(error).toBeInstanceOf(S3Error);
    expect(error).toMatchObject({ code: "InvalidBucketName", status: 400, fields: { BucketName: "A" } });
  }
});
