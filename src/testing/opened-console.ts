import type { SessionSettings } from "#control/session/session-settings.ts";
import { ConsoleClient } from "./console-client.ts";
import { FakeClock } from "./fake-clock.ts";
import { startControl, testPassword } from "./opened-control.ts";

type SettingsGiven = { readonly [N in keyof SessionSettings]?: SessionSettings[N] | undefined };

/** Log-ins of tests come fast, and from one address. */
const lax: SettingsGiven = { "security.ratelimit_login_per_minute": 1000 };

/**
 * A control plane on a clock of its own, and browsers for it; `closeControls` ends it.
 * @param change settings given at start, which win over stored ones and cannot be changed; undefined for the default
 */
export async function openConsole(change: SettingsGiven = {}) {
  const clock = new FakeClock();
  const given = Object.entries({ ...lax, ...change }).filter(([, value]) => value !== undefined);
  const opened = await startControl({ clock, settings: Object.fromEntries(given) });
  /** A browser that nobody logged in with. */
  const client = () => new ConsoleClient(opened.port, opened.answers);
  /** One in which the administrator is logged in. */
  const loggedIn = async () => {
    const one = client();
    const { status } = await one.logIn("admin", testPassword);
    if (status !== 200) throw new Error(`The log-in answered ${status}`);
    return one;
  };
  return { ...opened, clock, client, loggedIn };
}
