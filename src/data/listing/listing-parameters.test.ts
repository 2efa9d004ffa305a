import { expect, test } from "bun:test";
import { parseQuery } from "#kernel/s3/query-parameters.ts";
import { parseListingParameters, renderKeyElement, renderParameters } from "./listing-parameters.ts";

function parse(query: string) {
  return parseListingParameters(parseQuery(query), "max-keys");
}

test("parseListingParameters: without parameters everything is listed, 1,000 a page", () => {
  expect(parse("")).toMatchObject({ prefix: "", delimiter: "", limit: 1000, encodingType: undefined });
});

test("parseListingParameters: a limit above 1,000 is cut, what is no whole number from 0 is InvalidArgument", () => {
  expect([
    parse("max-keys=0").limit,
    parse("max-keys=7").limit,
    parse("max-keys=1001").limit,
    parse("max-keys=2147483647").limit,
  ]).toEqual([0, 7, 1000, 1000]);
  for (const bad of ["-1", "", "x", "1.5", "+1", "1e3", "0x10", "99999999999"])
    expect(() => parse(`max-keys=${encodeURIComponent(bad)}`)).toThrow("not an integer");
});

test("parseListingParameters: prefix and delimiter have 1,024 bytes of UTF-8 at most", () => {
  expect(parse(`prefix=${"%C3%A9".repeat(512)}`).prefix.length).toBe(512);
  for (const name of ["prefix", "delimiter"])
    expect(() => parse(`${name}=${"%C3%A9".repeat(512)}a`)).toThrow("1024 bytes");
});

test("parseListingParameters: encoding-type is url or absent", () => {
  expect(parse("encoding-type=url").encodingType).toBe("url");
  for (const bad of ["", "xml", "URL"]) expect(() => parse(`encoding-type=${bad}`)).toThrow("Invalid Encoding Method");
});

test("renderParameters: repeats what was asked, an empty delimiter not; key-like texts are encoded or escaped", () => {
  expect(renderParameters(parse("prefix=a%20%26&delimiter="), "MaxKeys")).toBe(
    "<Prefix>a &amp;</Prefix><MaxKeys>1000</MaxKeys>",
  );
  const encoded = parse("prefix=a%20%26&delimiter=%2B&max-keys=2&encoding-type=url");
  expect(renderParameters(encoded, "MaxUploads")).toBe(
    "<Prefix>a%20%26</Prefix><MaxUploads>2</MaxUploads><Delimiter>%2B</Delimiter><EncodingType>url</EncodingType>",
  );
  expect([renderKeyElement(encoded, "Marker", "+"), renderKeyElement(encoded, "Marker", undefined)]).toEqual([
    "<Marker>%2B</Marker>",
    "",
  ]);
});
