import { expect, test } from "bun:test";
import fc from "fast-check";
import { domainValue, hostValue, integerBetween, listenValue, listOf, oneOf, pathValue } from "./value-parser.ts";

test("integerBetween: both ends are allowed, nothing but digits is", () => {
  fc.assert(
    fc.property(fc.integer(), (value) => {
      expect(integerBetween(5, 9).parse(String(value))).toBe(value >= 5 && value <= 9 ? value : undefined);
    }),
  );
  for (const text of ["", " 5", "5 ", "+5", "5.0", "0x5", "5e0", "NaN"]) {
    expect(integerBetween(0, 100).parse(text)).toBeUndefined();
  }
});

test("listenValue: names, IPv4 and bracketed IPv6", () => {
  expect(listenValue.parse("localhost:0")).toEqual({ host: "localhost", port: 0 });
  expect(listenValue.parse("[::]:65535")).toEqual({ host: "::", port: 65_535 });
  for (const text of ["", ":9000", "9000", "::1:9000", "[::1]", "a:65536", "a b:1", "[a]:1", "a:-1", "a:1:2"]) {
    expect(listenValue.parse(text)).toBeUndefined();
  }
});

test("listOf: one bad item refuses the list; empty text is an empty list", () => {
  expect(listOf(domainValue).parse("")).toEqual([]);
  expect(listOf(domainValue).parse("a.b,c")).toEqual(["a.b", "c"]);
  for (const text of ["a,,b", "a,-b", ",", Array(101).fill("a").join()])
    expect(listOf(domainValue).parse(text)).toBeUndefined();
});

test("oneOf: exactly one of the words", () => {
  expect(oneOf("a", "b").parse("b")).toBe("b");
  expect(oneOf("a", "b").parse("B")).toBeUndefined();
});

test("pathValue: no NUL, not empty", () => {
  expect(pathValue.parse("/a b")).toBe("/a b");
  for (const text of ["", "a\0b", "a".repeat(4097)]) expect(pathValue.parse(text)).toBeUndefined();
});

test("hostValue: names and addresses; IPv6 with or without brackets, no zones, no ports", () => {
  for (const [text, host] of [
    ["Logs.Example.com", "logs.example.com"],
    ["192.0.2.7", "192.0.2.7"],
    ["::1", "::1"],
    ["[2001:DB8::7]", "2001:db8::7"],
    ["::ffff:192.0.2.7", "::ffff:192.0.2.7"],
  ])
    expect([text, hostValue.parse(text ?? "")]).toEqual([text, host]);
  for (const text of [
    "",
    ":",
    ":::",
    "[::1",
    "::1]",
    "[a.b]",
    "[192.0.2.7]",
    "::1%lo",
    "[::1]:514",
    "a.b:514",
    "1::2::3",
    "a b",
  ])
    expect([text, hostValue.parse(text)]).toEqual([text, undefined]);
});
