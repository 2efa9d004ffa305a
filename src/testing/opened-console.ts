import type { SessionSettings } from "#control/session/session-settings.ts";
import { ConsoleClient } from "./console-client.ts";
import { FakeClock } from "./fake-clock.ts";
import { startControl, testPassword } from "./opened-control.ts";

/** Log-ins of tests come fast, and from one address. */
const lax: Partial<SessionSettings> = { "security.ratelimit_login_per_minute": 1000 };

/**
 * A control plane on a clock of its own, and browsers for it; `closeControls` ends it.
 * @param change settings given at start, which win over stored ones
 */
export async function openConsole(change: Partial<SessionSettings> = {}) {
  const clock = new FakeClock();
  const opened = await startControl({ clock, settings: { ...lax, ...change } });
  /** A browser that nobody logged in with. */
  const client = () => new ConsoleClient(opened.port);
  /** One in which the administrator is logged in. */
  const loggedIn = async () => {
    const one = client();
    const { status } = await one.logIn("admin", testPassword);
    if (status !== 200) throw new Error(`The log-in answered ${status}`);
    return one;
  };
  return { ...opened, clock, client, loggedIn };
}
