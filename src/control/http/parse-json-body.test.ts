import { expect, test } from "bun:test";
import { maxBodyDepth, parseJsonBody } from "./parse-json-body.ts";

const nested = (depth: number) => `${'{"a":['.repeat(depth / 2)}1${"]}".repeat(depth / 2)}`;

test("parseJsonBody: up to its depth it is JSON.parse, beyond it nothing is parsed", () => {
  expect(parseJsonBody(nested(maxBodyDepth))).toEqual(JSON.parse(nested(maxBodyDepth)));
  expect(() => parseJsonBody(`[${nested(maxBodyDepth)}]`)).toThrow("nested too deep");
  expect(() => parseJsonBody("[".repeat(1_000_000))).toThrow("nested too deep");
  const text = JSON.stringify({ text: `${"[".repeat(100)}"${"{".repeat(100)}\\`, list: Array(100).fill([{}]) });
  expect(parseJsonBody(text)).toEqual(JSON.parse(text));
});

test("parseJsonBody: what is no JSON is refused", () => {
  for (const text of ["{", '"', "\\", "[1,]", "}}}}", '{"a":1}]'])
    expect(() => parseJsonBody(text)).toThrow(expect.objectContaining({ code: "InvalidRequest" }));
});

test("parseJsonBody: half of a surrogate pair is refused wherever it stands; a pair is not", () => {
  expect(parseJsonBody('{"a":"\\ud83d\\ude00"}')).toEqual({ a: "\u{1f600}" });
  for (const text of ['"\\ud800"', '{"\\uDFFF":1}', '{"a":[{"b":"x\\uD83D"}]}'])
    expect(() => parseJsonBody(text)).toThrow("surrogate");
});
