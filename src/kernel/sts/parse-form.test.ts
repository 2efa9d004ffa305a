import { expect, test } from "bun:test";
import { maxFormParameters, parseForm } from "./parse-form.ts";

function parse(text: string): [string, string][] {
  return [...parseForm(Buffer.from(text, "latin1"))];
}

test("parseForm: names and values are decoded once, as UTF-8", () => {
  expect(parse("Action=A&b=%2B+%26%3D%25&caf%C3%A9=1&empty=&bare&&x=a=b")).toEqual([
    ["Action", "A"],
    ["b", "+ &=%"],
    ["caf\u00e9", "1"],
    ["empty", ""],
    ["bare", ""],
    ["x", "a=b"],
  ]);
  expect(parse("a=%2541")).toEqual([["a", "%41"]]);
});

test.each(["a=1&a=2", "a=1&%61=2", "a=%", "a=%4", "a=%zz", "%=1", "a=%FF", "a=\xff"])(
  "parseForm: refuses %j",
  (text) => {
    expect(() => parse(text)).toThrow("The form cannot be read");
  },
);

test("parseForm: so many parameters and no more", () => {
  const form = (count: number) => Array.from({ length: count }, (_, index) => `p${index}=`).join("&");
  expect(parse(form(maxFormParameters)).length).toBe(maxFormParameters);
  expect(() => parse(form(maxFormParameters + 1))).toThrow("more than 512");
});
