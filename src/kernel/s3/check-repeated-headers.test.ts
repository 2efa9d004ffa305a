import { expect, test } from "bun:test";
import { checkRepeatedHeaders } from "./check-repeated-headers.ts";

function check(...names: string[]): void {
  const headers = Object.fromEntries(names.map((name) => [name.toLowerCase(), "x"]));
  checkRepeatedHeaders(
    headers,
    names.flatMap((name) => [name, "x"]),
  );
}

const steering = [
  "Content-MD5",
  "Content-Type",
  "Date",
  "Expires",
  "Host",
  "If-Range",
  "Range",
  "X-Amz-Acl",
  "X-Amz-Bypass-Governance-Retention",
  "X-Amz-Checksum-CRC32",
  "X-Amz-Content-Sha256",
  "X-Amz-Copy-Source",
  "X-Amz-Date",
  "X-Amz-Decoded-Content-Length",
  "X-Amz-Object-Lock-Mode",
  "X-Amz-Security-Token",
  "X-Amz-Tagging",
  "X-Amz-Trailer",
];

for (const name of steering) {
  test(`checkRepeatedHeaders: ${name} once passes, twice in any spelling is InvalidRequest`, () => {
    check("Accept", name, "X-Amz-Meta-A");
    for (const again of [name, name.toLowerCase(), name.toUpperCase()]) {
      expect(() => check(name, "Accept", again)).toThrow(`The header ${name.toLowerCase()} must come once`);
    }
  });
}

test("checkRepeatedHeaders: metadata, lists and what steers nothing may repeat", () => {
  for (const name of ["X-Amz-Meta-A", "X-Amz-Object-Attributes", "If-Match", "Accept", "X-Forwarded-For", "Cookie"]) {
    check(name, "Host", name.toLowerCase(), name);
  }
});
