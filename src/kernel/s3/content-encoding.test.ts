import { expect, test } from "bun:test";
import { stripAwsChunked } from "./content-encoding.ts";

test("stripAwsChunked: takes out each aws-chunked token, keeps the rest", () => {
  const table: [string | undefined, string | undefined][] = [
    [undefined, undefined],
    ["", undefined],
    ["gzip", "gzip"],
    ["gzip , br", "gzip , br"],
    ["aws-chunked", undefined],
    ["AWS-Chunked,", undefined],
    ["aws-chunked,gzip", "gzip"],
    ["gzip, aws-chunked, br,aws-chunked", "gzip,br"],
    ["x-aws-chunked", "x-aws-chunked"],
  ];
  for (const [value, stored] of table) expect([value, stripAwsChunked(value)]).toEqual([value, stored]);
});
