import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parseRequestTarget, targetLevel } from "./request-target.ts";
import { S3Error } from "./s3-error.ts";

const domains = ["s3.example.com", "example.com", "eu.s3.example.com", "localhost"];

function place(rawUrl: string, host?: string): [string | undefined, string | undefined] {
  const { bucket, key } = parseRequestTarget(rawUrl, host, domains);
  return [bucket, key];
}

function refusalCode(rawUrl: string, host?: string): string {
  try {
    parseRequestTarget(rawUrl, host, domains);
  } catch (error) {
    if (error instanceof S3Error) return error.code;
    throw error;
  }
  return "none";
}

describe("parseRequestTarget", () => {
  test("parseRequestTarget: path style is split at the first two slashes", () => {
    const cases: [string, string | undefined, string | undefined][] = [
      ["/", undefined, undefined],
      ["/b", "b", undefined],
      ["/b/", "b", undefined],
      ["/b/k", "b", "k"],
      ["/b/k/", "b", "k/"],
      ["/b//k", "b", "/k"],
      ["/b//", "b", "/"],
      ["/b/a//b", "b", "a//b"],
      ["/b/../x", "b", "../x"],
      ["/b/.", "b", "."],
      ["/b/%2e%2e/x", "b", "../x"],
      ["/../b/k", "..", "b/k"],
      ["//k", "", "k"],
      ["//", "", undefined],
      ["/b/a\\b#c", "b", "a\\b#c"],
    ];
    for (const [rawUrl, bucket, key] of cases) expect(place(rawUrl)).toEqual([bucket, key]);
  });

  test("parseRequestTarget: bucket and key are decoded once, + stays +", () => {
    expect(place("/b%2Dc/a+b%2Bc%20%252F%2Fd")).toEqual(["b-c", "a+b+c %2F/d"]);
    expect(place("/b/%C3%A9%00")).toEqual(["b", "é\0"]);
    expect(place("/b%2Fk")).toEqual(["b/k", undefined]);
  });

  test("parseRequestTarget: bytes that are no UTF-8 and broken escapes are InvalidURI", () => {
    for (const text of ["%ff", "%c0%af", "%", "%2", "%zz", "%ed%a0%80"]) {
      expect(refusalCode(`/b/${text}`)).toBe("InvalidURI");
      expect(refusalCode(`/${text}`)).toBe("InvalidURI");
      expect(refusalCode(`/${text}`, "b.example.com")).toBe("InvalidURI");
    }
  });

  test("parseRequestTarget: raw path and raw query are what was sent", () => {
    const target = parseRequestTarget("/b/a%2Fb//?prefix=%2F&x=?y", undefined, domains);
    expect(target.rawPath).toBe("/b/a%2Fb//");
    expect(target.rawQuery).toBe("prefix=%2F&x=?y");
    expect(parseRequestTarget("/b?", undefined, domains).rawQuery).toBe("");
    expect(place("/?list/it")).toEqual([undefined, undefined]);
    expect(place("/b?a/b")).toEqual(["b", undefined]);
  });

  test("parseRequestTarget: labels before the longest domain are the bucket, dots allowed", () => {
    const cases: [string, string, string | undefined][] = [
      ["b.s3.example.com", "b", "s3.example.com"],
      ["my.dotted.b.s3.example.com", "my.dotted.b", "s3.example.com"],
      ["b.eu.s3.example.com", "b", "eu.s3.example.com"],
      ["b.example.com", "b", "example.com"],
      ["B.S3.Example.COM:9000", "b", "s3.example.com"],
      ["b.localhost:9000", "b", "localhost"],
      ["b.s3.example.com.", "b", "s3.example.com"],
    ];
    for (const [host, bucket, domain] of cases) {
      const target = parseRequestTarget("/a//k", host, domains);
      expect(target).toEqual({ bucket, key: "a//k", rawPath: "/a//k", rawQuery: "", domain, isVirtualHost: true });
      expect(place("/", host)).toEqual([bucket, undefined]);
      expect(place("//", host)).toEqual([bucket, "/"]);
    }
    expect(parseRequestTarget("/", "b.s3.example.com", [...domains].reverse()).bucket).toBe("b");
  });

  test("parseRequestTarget: IP addresses, unknown hosts, base domains and no Host are path style", () => {
    const hosts = ["127.0.0.1:9000", "[::1]:9000", "other.test", "notexample.com", "s3.example.com:443", "", undefined];
    for (const host of hosts) expect(place("/b/k", host)).toEqual(["b", "k"]);
    expect(parseRequestTarget("/b/k", "S3.example.com:443", domains).domain).toBe("s3.example.com");
    expect(parseRequestTarget("/b/k", "other.test", domains).domain).toBeUndefined();
    for (const host of ["s3.example.com", "sts.example.com", "other.test", "10.0.0.1"])
      expect(parseRequestTarget("/sts/k", host, domains)).toMatchObject({
        bucket: "sts",
        key: "k",
        isVirtualHost: false,
      });
    expect(parseRequestTarget("/b/k", "b.example.com", []).bucket).toBe("b");
  });

  test("parseRequestTarget: reserved labels name services, not buckets", () => {
    expect(place("/", "sts.example.com")).toEqual([undefined, undefined]);
    expect(place("/b/k", "iam.s3.example.com")).toEqual(["b", "k"]);
    expect(place("/k", "my.sts.s3.example.com")).toEqual(["my.sts", "k"]);
  });

  test("parseRequestTarget: the absolute form gives its path, its authority is passed over", () => {
    const target = parseRequestTarget("http://x.example.com:9000/b/../c?q=1", "127.0.0.1", domains);
    expect(target).toEqual({
      bucket: "b",
      key: "../c",
      rawPath: "/b/../c",
      rawQuery: "q=1",
      domain: undefined,
      isVirtualHost: false,
    });
    expect(place("HTTPS://h")).toEqual([undefined, undefined]);
    expect(place("http://h?acl")).toEqual([undefined, undefined]);
    expect(parseRequestTarget("http://h?acl", undefined, []).rawQuery).toBe("acl");
    expect(place("http://x/k", "b.example.com")).toEqual(["b", "k"]);
    expect(place("*")).toEqual([undefined, undefined]);
  });

  test("parseRequestTarget: other forms are InvalidURI", () => {
    for (const rawUrl of ["", "b/k", "ftp://h/b", "h:443", "?acl"]) expect(refusalCode(rawUrl)).toBe("InvalidURI");
  });

  test("parseRequestTarget: any key comes back in both styles", () => {
    const key = fc.string({ unit: "grapheme", minLength: 1 });
    fc.assert(
      fc.property(key, (text) => {
        const encoded = encodeURIComponent(text).replaceAll("%2F", "/");
        expect(place(`/bucket/${encoded}?x`)).toEqual(["bucket", text]);
        expect(place(`/${encoded}?x`, "bucket.example.com")).toEqual(["bucket", text]);
      }),
    );
  });

  test("parseRequestTarget: any text gives a target or an S3Error", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string(), (rawUrl, host) => {
        expect(refusalCode(`/${rawUrl}`, host)).toMatch(/^(none|InvalidURI)$/);
      }),
    );
  });
});

describe("targetLevel", () => {
  test("targetLevel: service, bucket, key", () => {
    expect(targetLevel(parseRequestTarget("/", undefined, []))).toBe("service");
    expect(targetLevel(parseRequestTarget("/b/", undefined, []))).toBe("bucket");
    expect(targetLevel(parseRequestTarget("/b/k", undefined, []))).toBe("key");
    expect(targetLevel(parseRequestTarget("//k", undefined, []))).toBe("key");
  });
});
