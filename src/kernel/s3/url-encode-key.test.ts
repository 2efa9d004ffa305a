import { expect, test } from "bun:test";
import fc from "fast-check";
import { encodeKey, parseEncodingType } from "./url-encode-key.ts";

test("encodeKey: only unreserved characters, star and slash stay", () => {
  expect(encodeKey("a/B-1_.*")).toBe("a/B-1_.*");
  expect(encodeKey("a b+c")).toBe("a%20b%2Bc");
  expect(encodeKey("!~'()&=%\0\n")).toBe("%21%7E%27%28%29%26%3D%25%00%0A");
  expect(encodeKey("日/é")).toBe("%E6%97%A5/%C3%A9");
});

test("encodeKey: any key decodes to itself", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (key) => {
      const encoded = encodeKey(key);
      expect(encoded).toMatch(/^(?:[A-Za-z0-9\-_.*/]|%[0-9A-F]{2})*$/);
      expect(decodeURIComponent(encoded)).toBe(key);
    }),
    { seed: 20260102 },
  );
});

test("parseEncodingType: url or nothing", () => {
  expect(parseEncodingType(undefined)).toBeUndefined();
  expect(parseEncodingType("url")).toBe("url");
  for (const text of ["", "URL", "xml"]) {
    expect(() => parseEncodingType(text)).toThrow(
      expect.objectContaining({
        code: "InvalidArgument",
        fields: { ArgumentName: "encoding-type", ArgumentValue: text },
      }),
    );
  }
});
