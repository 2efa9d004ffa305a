import { expect, test } from "bun:test";
import { parseIfMatch, renderEtag } from "./entity-tag.ts";

test("parseIfMatch: gives what renderEtag made; a star is any; others fail", () => {
  expect(parseIfMatch(renderEtag(17))).toBe(17);
  expect(parseIfMatch(" * ")).toBeUndefined();
  for (const [header, code] of [
    [null, "PreconditionRequired"],
    ["17", "PreconditionFailed"],
    ['W/"17"', "PreconditionFailed"],
    ['"x"', "PreconditionFailed"],
  ] as const)
    expect(() => parseIfMatch(header)).toThrow(expect.objectContaining({ code }));
});
