import { expect, test } from "bun:test";
import { findClientAddress, isTrustedProxy } from "./client-address.ts";

const trusted = ["10.0.0.0/8", "::1", "fe80::/10", "2001:db8::/32", "no address"];

test.each([
  ["203.0.113.9", "1.1.1.1", "203.0.113.9"],
  ["10.0.0.1", null, "10.0.0.1"],
  ["10.0.0.1", "1.1.1.1", "1.1.1.1"],
  ["::ffff:10.0.0.1", "1.1.1.1", "1.1.1.1"],
  ["fe80::1%eth0", "1.1.1.1", "1.1.1.1"],
  ["10.0.0.1", "fe80::1%eth0", "10.0.0.1"],
  ["::1", "6.6.6.6, 1.1.1.1", "1.1.1.1"],
  ["10.0.0.1", "6.6.6.6, 1.1.1.1, 10.2.3.4, 2001:db8::7", "1.1.1.1"],
  ["10.0.0.1", "10.0.0.9, 10.0.0.8", "10.0.0.9"],
  ["10.0.0.1", "1.1.1.1, unknown, 10.0.0.8", "10.0.0.8"],
  ["10.0.0.1", "1.1.1.1:80", "10.0.0.1"],
  ["10.0.0.1", "", "10.0.0.1"],
  ["10.0.0.1", ` 1.1.1.1${", 10.0.0.2".repeat(40)}`, "10.0.0.2"],
])("findClientAddress: peer %s, header %s is %s", (peer, header, client) =>
  expect(findClientAddress(peer, header, trusted)).toBe(client),
);

test("findClientAddress: nobody is trusted by default", () => {
  expect(findClientAddress("127.0.0.1", "1.1.1.1", [])).toBe("127.0.0.1");
  expect(isTrustedProxy("127.0.0.1", [])).toBe(false);
  expect(isTrustedProxy("10.9.9.9", trusted)).toBe(true);
});
