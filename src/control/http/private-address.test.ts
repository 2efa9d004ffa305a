import { expect, test } from "bun:test";
import { isPrivateAddress } from "./private-address.ts";

test.each([
  "127.0.0.1",
  "127.255.0.1",
  "10.0.0.1",
  "172.16.0.1",
  "172.31.255.255",
  "192.168.1.1",
  "169.254.1.1",
  "::1",
  "::ffff:10.1.2.3",
  "::FFFF:127.0.0.1",
  "fd00::1",
  "fc12:3::1",
  "fe80::1%eth0",
])("isPrivateAddress: %s is", (address) => expect(isPrivateAddress(address)).toBe(true));

test.each([
  "",
  "8.8.8.8",
  "172.15.0.1",
  "172.32.0.1",
  "192.169.0.1",
  "11.0.0.1",
  "128.0.0.1",
  "::ffff:8.8.8.8",
  "2001:db8::1",
  "::2",
  "fec0::1",
  "ff02::1",
  "127.0.0.1.example.com",
  "localhost",
])("isPrivateAddress: %s is not", (address) => expect(isPrivateAddress(address)).toBe(false));
