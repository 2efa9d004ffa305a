import { expect, test } from "bun:test";
import { isInNetworks } from "./address-networks.ts";
import { isLocalRequest } from "./local-request.ts";
import { setRequestContext } from "./request-context.ts";

const networks = ["127.0.0.0/8", "192.168.0.0/16"];

function ask(headers: Record<string, string>, peerAddress = "192.168.1.5"): boolean {
  const request = new Request("http://x/metrics", { headers: { host: "10.0.0.1:9001", ...headers } });
  setRequestContext(request, { requestId: "", peerAddress });
  return isLocalRequest(request, { knownHosts: ["nas.example.com"], isAllowed: isInNetworks(networks) });
}

test.each([
  "127.0.0.1:9001",
  "10.1.2.3",
  "[::1]:9001",
  "[fd00::1]",
  "localhost:9001",
  "maxiofs:9001",
  "nas.local",
  "prometheus.internal:80",
  "nas.home.arpa.",
  "NAS.example.com:9001",
])("isLocalRequest: host %s is the server's", (host) => expect(ask({ host })).toBe(true));

test.each([
  "evil.example:9001",
  "evil.com",
  "127.0.0.1.evil.com",
  "nas.example.com.evil.com",
  "other.nas.example.com",
  "evil.local.com",
  "[evil.com]",
  "a:b:c",
])("isLocalRequest: host %s is not", (host) => expect(ask({ host })).toBe(false));

test("isLocalRequest: not from a public address, not through a proxy", () => {
  expect(ask({})).toBe(true);
  expect(ask({}, "8.8.8.8")).toBe(false);
  expect(ask({}, "")).toBe(false);
  for (const name of ["Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "CF-Connecting-IP"]) {
    expect([name, ask({ [name]: "127.0.0.1" })]).toEqual([name, false]);
  }
});
