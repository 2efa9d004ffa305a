import { expect, test } from "bun:test";
import type { KeyHolder } from "./basic-authentication.ts";
import { callerOfKey, getRequestCaller, setRequestCaller } from "./request-caller.ts";
import { setRequestContext } from "./request-context.ts";

const holder: KeyHolder = {
  key: {
    ...{ accessKeyId: "AKIA", secretKey: "secret", enabled: true, userId: "AIDA", tenantId: "t" },
    ...{ expiresAtMs: null, narrowing: [], limits: {} },
  },
  user: {
    ...{ userId: "AIDA", name: "admin", tenantId: "t", path: "/", global: true, status: "active" },
    ...{ policyIds: [], inlinePolicies: [], groupIds: [], tags: [], boundaryPolicyId: null },
  },
};

test("getRequestCaller: whom the guard found; without the guard nobody", () => {
  const request = new Request("http://localhost/", { headers: { "user-agent": "x".repeat(300) } });
  setRequestContext(request, { requestId: "id", peerAddress: "10.0.0.1", clientAddress: "192.0.2.1" });
  expect(() => getRequestCaller(request)).toThrow("are wanted");
  const caller = callerOfKey(holder, request, true);
  setRequestCaller(request, caller);
  expect(getRequestCaller(request)).toEqual({
    ...{
      userId: "AIDA",
      userName: "admin",
      tenantId: "t",
      global: true,
      via: "basic",
      mfa: false,
      freshProof: true,
      secure: true,
    },
    ...{ address: "192.0.2.1", agent: "x".repeat(256), requestId: "id" },
    ...{ accessKeyId: "AKIA", narrowing: [] },
  });
});
