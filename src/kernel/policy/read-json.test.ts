import { expect, test } from "bun:test";
import fc from "fast-check";
import { type JsonNode, maxJsonDepth, readJson } from "./read-json.ts";

/** The value as `JSON.parse` gives it. */
function plainValue(node: JsonNode): unknown {
  switch (node.kind) {
    case "object":
      return Object.fromEntries(node.members.map(({ name, value }) => [name, plainValue(value)]));
    case "array":
      return node.items.map(plainValue);
    case "string":
    case "boolean":
      return node.value;
    case "number":
      return Number(node.text);
    case "null":
      return null;
  }
}

function read(text: string): unknown {
  const node = readJson(text);
  return node.kind === "problem" ? node : plainValue(node);
}

test("readJson: as JSON.parse where both take a text", () => {
  const latin = fc.string({ unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)) });
  const json = fc.jsonValue({ maxDepth: maxJsonDepth - 1, stringUnit: latin, noUnicodeString: false });
  fc.assert(
    fc.property(json, fc.constantFrom(undefined, 1, "\t"), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      expect(read(text)).toEqual(JSON.parse(text));
    }),
  );
});

test("readJson: refuses whatever JSON.parse refuses, and throws nothing", () => {
  const letters = fc.array(
    fc.constantFrom("{", "}", "[", "]", ",", ":", '"a"', '"', "\\", "1", "-", ".", "e", "null", " "),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(letters, (parts) => {
      const text = parts.join("");
      if (readJson(text).kind !== "problem") expect(() => JSON.parse(text)).not.toThrow();
    }),
    { numRuns: 5000 },
  );
});

test.each([
  ['{"a":1,"a":2}', "/a"],
  ['{"a":{"b":1,"\\u0062":2}}', "/a/b"],
  ['{"__proto__":1,"__proto__":2}', "/__proto__"],
  ['{"a~/":[0,tru]}', "/a~0~1/1"],
  ['["\u0100"]', "/0"],
  ['["\t"]', "/0"],
  ['["\\u0000"]', "/0"],
  ['["\\ud800"]', "/0"],
  ['["\\x41"]', "/0"],
  ["\ufeff[]", ""],
  ["\u00a0[]", ""],
  ["[] []", ""],
  ["[1,]", "/1"],
  ["[01]", ""],
  ["[+1]", "/0"],
])("readJson: %j is a problem at %s", (text, pointer) => {
  expect(readJson(text)).toMatchObject({ kind: "problem", problem: { pointer } });
});

test("readJson: escapes reach every character but control characters; __proto__ is a name", () => {
  expect(read('"\\u4e2d\\ud83d\\ude00\\n\\t\\/\\u00ff"')).toBe("中😀\n\t/ÿ");
  expect(readJson('{"__proto__":1}')).toMatchObject({ members: [{ name: "__proto__" }] });
});

test("maxJsonDepth: not one level more", () => {
  expect(readJson("[".repeat(maxJsonDepth) + "]".repeat(maxJsonDepth)).kind).toBe("array");
  expect(readJson("[".repeat(maxJsonDepth + 1) + "]".repeat(maxJsonDepth + 1)).kind).toBe("problem");
});

test("readJson: says where in the text", () => {
  expect(readJson('{\n  "a": x}')).toMatchObject({ problem: { message: "Expected a JSON value (line 2, column 8)" } });
});
