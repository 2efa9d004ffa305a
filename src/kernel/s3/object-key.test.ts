import { expect, test } from "bun:test";
import fc from "fast-check";
import { decodeKeyBytes, maxKeyBytes, parseObjectKey } from "./object-key.ts";
import { S3Error } from "./s3-error.ts";

const seed = 20260102;

test("parseObjectKey: keys are opaque, not paths", () => {
  for (const key of ["a", "a/", "a//b", "/", "../x", ".", "a\\b", "a\0b", "日本", "😀", " "]) {
    expect(String(parseObjectKey(key))).toBe(key);
  }
});

test("parseObjectKey: the limit counts bytes of UTF-8", () => {
  expect(parseObjectKey("a".repeat(1024)).length).toBe(1024);
  expect(parseObjectKey("é".repeat(512)).length).toBe(512);
  expect(parseObjectKey("😀".repeat(256)).length).toBe(512);
  for (const [key, Size] of [
    ["a".repeat(1025), 1025],
    [`${"é".repeat(512)}a`, 1025],
    ["中".repeat(342), 1026],
  ] as const) {
    expect(() => parseObjectKey(key)).toThrow(
      expect.objectContaining({ code: "KeyTooLongError", fields: { Size, MaxSizeAllowed: maxKeyBytes } }),
    );
  }
});

test("parseObjectKey: empty keys and unpaired surrogates are refused", () => {
  expect(() => parseObjectKey("")).toThrow(expect.objectContaining({ code: "InvalidArgument" }));
  expect(() => parseObjectKey("a\ud800")).toThrow(expect.objectContaining({ code: "InvalidURI" }));
});

test("decodeKeyBytes: one round of decoding, plus stays plus", () => {
  expect(decodeKeyBytes("a/b+c")).toBe("a/b+c");
  expect(decodeKeyBytes("a%20b%2Bc%2f%2F+")).toBe("a b+c//+");
  expect(decodeKeyBytes("%2525")).toBe("%25");
  expect(decodeKeyBytes("%2e%2e%2F%00")).toBe("../\0");
  expect(decodeKeyBytes("%E6%97%A5")).toBe("日");
  expect(decodeKeyBytes("\xe6\x97\xa5%20")).toBe("日 ");
});

test("decodeKeyBytes: bad escapes, overlong forms, surrogates and cut sequences are InvalidURI", () => {
  const bad = [
    "%",
    "%4",
    "%zz",
    "a%",
    "%c0%af",
    "%e0%80%af",
    "%f0%80%80%af",
    "%ed%a0%80",
    "%ff",
    "%e6%97",
    "\xe6",
    "%f4%90%80%80",
    "日",
  ];
  for (const text of bad) {
    expect(() => decodeKeyBytes(text)).toThrow(expect.objectContaining({ code: "InvalidURI", status: 400 }));
  }
});

test("decodeKeyBytes: gives back any well-formed text that was encoded", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const bytes = new TextEncoder().encode(text);
      const escaped = Array.from(bytes, (byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
      expect(decodeKeyBytes(escaped)).toBe(text);
      expect(decodeKeyBytes(encodeURIComponent(text))).toBe(text);
    }),
    { seed },
  );
});

test("decodeKeyBytes: agrees with a strict UTF-8 decoder on any bytes", () => {
  const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
      const escaped = Array.from(bytes, (byte, index) =>
        index % 2 === 1 && byte > 0x7f ? String.fromCharCode(byte) : `%${byte.toString(16).padStart(2, "0")}`,
      ).join("");
      let expected: string | undefined;
      try {
        expected = strict.decode(bytes);
      } catch {
        expected = undefined;
      }
      if (expected === undefined) expect(() => decodeKeyBytes(escaped)).toThrow(S3Error);
      else expect(decodeKeyBytes(escaped)).toBe(expected);
    }),
    { seed, numRuns: 2000 },
  );
});

test("decodeKeyBytes: arbitrary text decodes or is InvalidURI, nothing else", () => {
  const unit = fc.constantFrom("%", "a", "0", "f", "c", "e", "/", "\xc3", "\xa9", "日");
  fc.assert(
    fc.property(fc.string({ unit }), (text) => {
      try {
        decodeKeyBytes(text);
      } catch (error) {
        expect(error).toMatchObject({ code: "InvalidURI" });
      }
    }),
    { seed, numRuns: 1000 },
  );
});
