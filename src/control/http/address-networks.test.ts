import { expect, test } from "bun:test";
import { settingRules } from "#kernel/settings/settings.ts";
import { isInNetworks } from "./address-networks.ts";

/** What `metrics.allow_from` begins with. */
const isPrivateAddress = isInNetworks(settingRules["metrics.allow_from"].fallback);

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
])("isInNetworks: private %s is", (address) => expect(isPrivateAddress(address)).toBe(true));

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
])("isInNetworks: private %s is not", (address) => expect(isPrivateAddress(address)).toBe(false));

test("isInNetworks: nothing is in no network, or in what is none", () => {
  for (const networks of [[], ["nonsense"], ["10.0.0.0/33"]]) expect(isInNetworks(networks)("10.0.0.1")).toBe(false);
  expect(isInNetworks(["203.0.113.7"])("203.0.113.7")).toBe(true);
  expect(isInNetworks(["203.0.113.7"])("203.0.113.8")).toBe(false);
});
