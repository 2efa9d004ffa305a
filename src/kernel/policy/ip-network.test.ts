import { expect, test } from "bun:test";
import fc from "fast-check";
import { isInNetwork, parseIpAddress, parseIpNetwork } from "./ip-network.ts";

test.each([
  ["0.0.0.0", [0]],
  ["255.255.255.255", [0xffffffff]],
  ["::", [0, 0, 0, 0]],
  ["::1", [0, 0, 0, 1]],
  ["2001:DB8::8:800:200C:417A", [0x20010db8, 0, 0x00080800, 0x200c417a]],
  ["1:2:3:4:5:6:7:8", [0x10002, 0x30004, 0x50006, 0x70008]],
  ["::ffff:192.0.2.1", [0xc0000201]],
  ["::ffff:c000:201", [0xc0000201]],
  ["64:ff9b::192.0.2.1", [0x64ff9b, 0, 0, 0xc0000201]],
])("parseIpAddress: %s", (text, words) => {
  expect(parseIpAddress(text)).toEqual(words);
});

test.each([
  "",
  "1.2.3",
  "1.2.3.4.5",
  "256.0.0.1",
  "01.2.3.4",
  "1.2.3.4 ",
  "1.2.3.-4",
  ":",
  ":::",
  "1::2::3",
  "1:2:3:4:5:6:7",
  "1:2:3:4:5:6:7::8:9",
  "12345::",
  "::1.2.3.4:5",
  "1.2.3.4::",
  "fe80::1%eth0",
  "::g",
  `::${"0".repeat(50)}`,
])("parseIpAddress: %j is none", (text) => {
  expect(parseIpAddress(text)).toBeUndefined();
});

test.each([
  ["0.0.0.0/0", "255.1.2.3", true],
  ["0.0.0.0/0", "::1", false],
  ["::/0", "192.0.2.1", false],
  ["::/0", "2001:db8::1", true],
  ["10.0.0.0/8", "10.255.255.255", true],
  ["10.9.9.9/8", "10.0.0.0", true],
  ["10.0.0.0/8", "11.0.0.0", false],
  ["192.0.2.128/25", "192.0.2.127", false],
  ["128.0.0.0/1", "200.0.0.1", true],
  ["192.0.2.1", "192.0.2.1", true],
  ["192.0.2.1/31", "192.0.2.0", true],
  ["::ffff:10.0.0.0/104", "10.1.1.1", true],
  ["2001:db8::/33", "2001:db8:7fff::1", true],
  ["2001:db8::/33", "2001:db8:8000::1", false],
  ["2001:db8::1/128", "2001:db8::1", true],
  ["2001:db8::1/127", "2001:db8::2", false],
] as const)("isInNetwork: %s and %s", (...[network, address, wanted]) => {
  const parsed = parseIpNetwork(network);
  expect(parsed && isInNetwork(parsed, parseIpAddress(address) ?? [])).toBe(wanted);
});

test.each(["10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0.0/8/8", "::/129", "::ffff:1.2.3.4/95"])(
  "parseIpNetwork: %s is none",
  (text) => {
    expect(parseIpNetwork(text)).toBeUndefined();
  },
);

test("isInNetwork: as comparing the leading bits", () => {
  const word = fc.nat(0xffffffff);
  fc.assert(
    fc.property(word, word, fc.integer({ min: 0, max: 32 }), (left, right, bits) => {
      const lead = (value: number) => value.toString(2).padStart(32, "0").slice(0, bits);
      expect(isInNetwork({ words: [left], bits }, [right])).toBe(lead(left) === lead(right));
    }),
  );
});
