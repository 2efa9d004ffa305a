import { expect, test } from "bun:test";
import { isAllowedAddress, resolveTarget } from "./resolve-target.ts";

test.each([
  ...["0.0.0.0", "10.1.2.3", "100.64.0.1", "100.127.255.255", "127.0.0.1", "169.254.169.254", "172.16.0.1"],
  ...["172.31.255.255", "192.168.1.1", "198.18.0.1", "224.0.0.1", "255.255.255.255", "::", "::1", "::ffff:127.0.0.1"],
  ...["::ffff:7f00:1", "::127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "fd00::1", "fe80::1", "ff02::1"],
  ...["not-an-address", "127.1", "0x7f.0.0.1", ""],
])("isAllowedAddress: %s is refused unless it is allowed", (address) => {
  expect(isAllowedAddress(address, [])).toBe(false);
});

test.each([
  "8.8.8.8",
  "100.63.255.255",
  "100.128.0.0",
  "172.15.255.255",
  "172.32.0.0",
  "2606:4700::1111",
  "::ffff:8.8.8.8",
])("isAllowedAddress: %s is public", (address) => {
  expect(isAllowedAddress(address, [])).toBe(true);
});

test("isAllowedAddress: allowed ranges open what they hold and nothing beside it", () => {
  const ranges = ["10.0.0.0/24", "::1/128"];
  expect(isAllowedAddress("10.0.0.255", ranges)).toBe(true);
  expect(isAllowedAddress("::ffff:10.0.0.255", ranges)).toBe(true);
  expect(isAllowedAddress("10.0.1.0", ranges)).toBe(false);
  expect(isAllowedAddress("::1", ranges)).toBe(true);
  expect(isAllowedAddress("::2", ranges)).toBe(false);
});

test("resolveTarget: the first address that is allowed, found once", async () => {
  let asked = 0;
  const find = async () => {
    asked += 1;
    return ["127.0.0.1", "8.8.8.8", "2606:4700::1111"];
  };
  expect(await resolveTarget("logs.example", { allowedRanges: [], find })).toEqual({ address: "8.8.8.8", family: 4 });
  expect(asked).toBe(1);
  const only = async () => ["10.0.0.1", "::1"];
  expect(resolveTarget("logs.example", { allowedRanges: [], find: only })).rejects.toThrow(/allowed_ranges/);
  expect(await resolveTarget("logs.example", { allowedRanges: ["::1"], find: only })).toEqual({
    address: "::1",
    family: 6,
  });
});

test("resolveTarget: an address is no name", async () => {
  const find = async (): Promise<string[]> => {
    throw new Error("asked");
  };
  expect(await resolveTarget("127.0.0.1", { allowedRanges: ["127.0.0.0/8"], find })).toEqual({
    address: "127.0.0.1",
    family: 4,
  });
  expect(resolveTarget("127.0.0.1", { allowedRanges: [], find })).rejects.toThrow(/127\.0\.0\.1/);
});
