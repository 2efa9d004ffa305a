import { expect, test } from "bun:test";
import fc from "fast-check";
import { parseCopySource } from "./copy-source.ts";

function parts(header: string): unknown {
  return { ...parseCopySource(header) };
}

test("parseCopySource: with and without slash, encoded as a whole or by parts", () => {
  for (const header of ["b/k/x", "/b/k/x", "b%2Fk%2Fx", "%2Fb%2Fk%2Fx", "/b/k%2Fx"]) {
    expect(parts(header)).toEqual({ bucket: "b", key: "k/x" });
  }
  expect(parts("/b//k")).toEqual({ bucket: "b", key: "/k" });
  expect(parts("b/../c")).toEqual({ bucket: "b", key: "../c" });
  expect(parts("b/a+b%20c%2B")).toEqual({ bucket: "b", key: "a+b c+" });
  expect(parts("b/\xc3\xa9%C3%A9")).toEqual({ bucket: "b", key: "éé" });
  expect(parts("tenant:b/k")).toEqual({ bucket: "tenant:b", key: "k" });
});

test("parseCopySource: the last raw ?versionId= is the version", () => {
  expect(parts("b/k?versionId=v1")).toEqual({ bucket: "b", key: "k", versionId: "v1" });
  expect(parts("b/k?versionId=null")).toEqual({ bucket: "b", key: "k", versionId: "null" });
  expect(parts("b/k%3FversionId=v1")).toEqual({ bucket: "b", key: "k?versionId=v1" });
  expect(parts("b/k?x?versionId=a%2Bb")).toEqual({ bucket: "b", key: "k?x", versionId: "a+b" });
  expect(parts("b/k?x=1")).toEqual({ bucket: "b", key: "k?x=1" });
});

test("parseCopySource: unusable sources are InvalidArgument", () => {
  const bad = [
    "",
    "/",
    "b",
    "b/",
    "/b/",
    "//k",
    "b/%zz",
    "b/%c0%af",
    "b/k?versionId=",
    "b/k?versionId=%00",
    "?versionId=v",
    `b/k?versionId=${"v".repeat(1025)}`,
  ];
  for (const header of bad) {
    expect(() => parseCopySource(header)).toThrow(
      expect.objectContaining({
        code: "InvalidArgument",
        fields: { ArgumentName: "x-amz-copy-source", ArgumentValue: header },
      }),
    );
  }
});

test("parseCopySource: ARNs are InvalidRequest, long keys KeyTooLongError", () => {
  for (const header of ["arn:aws:s3:us-west-2:123456789012:accesspoint/p/object/k", "arn%3Aaws:s3:::b/k"]) {
    expect(() => parseCopySource(header)).toThrow(expect.objectContaining({ code: "InvalidRequest" }));
  }
  expect(() => parseCopySource(`b/${"k".repeat(1025)}`)).toThrow(expect.objectContaining({ code: "KeyTooLongError" }));
});

test("parseCopySource: gives back any encoded key", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", minLength: 1, maxLength: 50 }), (key) => {
      expect(parts(`/bucket/${encodeURIComponent(key)}?versionId=v`)).toEqual({
        bucket: "bucket",
        key,
        versionId: "v",
      });
    }),
    { seed: 20260102 },
  );
});
