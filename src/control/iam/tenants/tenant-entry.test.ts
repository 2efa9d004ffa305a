import { afterEach, expect, test } from "bun:test";
import { openConsole } from "#testing/opened-console.ts";
import { closeControls } from "#testing/opened-control.ts";

afterEach(closeControls);

test("tenant entry: the reason can be read, and shows as it was written", async () => {
  const { loggedIn } = await openConsole({ "security.ratelimit_enabled": false });
  const root = await loggedIn();
  const { tenantId } = (await root.call("tenants", { body: { slug: "acme" } })).body;
  const enter = async (reason: string) => (await root.call(`tenants/${tenantId}/enter`, { body: { reason } })).status;
  for (const reason of [
    ...["", " ", "   ", "\u00a0\u3000", "\u200b\u200d", "\u2060", "\u3164", "\ufe0f", "\u2800"],
    ...["a\u0000", "a\nb", "a\u007f", "a\u0085b", "a\u009b31m", "a\u2028b"],
    ...["ticket \u202e7", "\u2066a\u2069", "a\u200eb", "a\u200fb", "a\u061cb", "a".repeat(501)],
  ])
    expect([JSON.stringify(reason), await enter(reason)]).toEqual([JSON.stringify(reason), 400]);
  for (const reason of [
    "7",
    "a".repeat(500),
    " a ",
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    "\u{1f469}\u200d\u{1f4bb}",
  ])
    expect([JSON.stringify(reason), await enter(reason)]).toEqual([JSON.stringify(reason), 201]);
});
