import { expect, test } from "bun:test";
import { clientNetwork } from "./client-network.ts";

test.each([
  ["10.1.2.3", "10.1.2.3"],
  ["255.254.0.1", "255.254.0.1"],
  ["::ffff:10.1.2.3", "10.1.2.3"],
  ["::FFFF:102:304", "1.2.3.4"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:0DB8:0001:0002::1", "2001:db8:1:2::/64"],
  ["2001:db8:1::4:5:6:7", "2001:db8:1:0::/64"],
  ["2001:db8::1", "2001:db8:0:0::/64"],
  ["ffff:fffe::", "ffff:fffe:0:0::/64"],
  ["::1", "0:0:0:0::/64"],
  ["fe80::1%eth0", "fe80:0:0:0::/64"],
  ["", ""],
  ["unknown", "unknown"],
])("clientNetwork: %s is %s", (address, network) => expect(clientNetwork(address)).toBe(network));
