import { afterEach, expect, test } from "bun:test";
import { availableSettings } from "#kernel/settings/settings.ts";
import type { ConsoleAnswer } from "#testing/console-client.ts";
import { openConsole } from "#testing/opened-console.ts";
import { closeControls, testAdministrator, testPassword } from "#testing/opened-control.ts";
import type { SessionSettings } from "./session-settings.ts";

afterEach(closeControls);

type World = Awaited<ReturnType<typeof openConsole>>;

/** A setting's other value, and what is seen from outside before and after it is changed. */
interface Effect {
  readonly value: unknown;
  readonly see: (world: World) => Promise<unknown>;
  readonly before: unknown;
  readonly after: unknown;
}

const effects: { readonly [N in keyof SessionSettings]: Effect } = {
  "security.session_timeout": {
    value: 3600,
    see: async (world) => {
      const user = await world.loggedIn();
      let last: ConsoleAnswer | undefined;
      for (let minutes = 0; minutes < 60; minutes += 10) {
        world.clock.advance(600_000);
        last = await user.call("me");
      }
      return last?.status;
    },
    ...{ before: 200, after: 401 },
  },
  "security.session_idle_timeout": { value: 1000, see: (world) => statusAfter(world, 1000), before: 200, after: 401 },
  "security.session_idle_lock": { value: 120, see: (world) => statusAfter(world, 120, "me"), before: 200, after: 423 },
  "security.access_token_lifetime": {
    value: 60,
    see: async (world) => {
      const user = await world.loggedIn();
      world.clock.advance(60_000);
      return (await user.call("me")).headers.has("set-cookie");
    },
    ...{ before: false, after: true },
  },
  "security.max_failed_attempts": { value: 2, see: (world) => failThenWait(world, 2, 0), before: 200, after: 401 },
  "security.lockout_duration": { value: 60, see: (world) => failThenWait(world, 5, 60), before: 401, after: 200 },
  "security.require_2fa_admin": {
    value: true,
    see: async (world) => (await (await world.loggedIn()).call("access-keys")).body.code,
    ...{ before: undefined, after: "SecondFactorWanted" },
  },
  "security.password_min_length": passwordEffect(20, "at least 20 characters", [false, true]),
  "security.password_require_uppercase": passwordEffect(false, "an upper-case letter", [true, false]),
  "security.password_require_numbers": passwordEffect(false, "a digit", [true, false]),
  "security.password_require_special": passwordEffect(true, "neither letter nor digit", [false, true]),
  "security.ratelimit_enabled": { value: false, see: seeRateLimit, before: "100", after: null },
  "security.ratelimit_api_per_second": { value: 7, see: seeRateLimit, before: "100", after: "7" },
  "security.ratelimit_login_per_minute": {
    value: 2,
    see: async (world) => {
      world.clock.advance(60_000);
      for (let i = 0; i < 2; i++) await world.client().logIn("admin", testPassword);
      return (await world.client().logIn("admin", testPassword)).status;
    },
    ...{ before: 200, after: 429 },
  },
  "security.api_token_max_days": {
    value: 10,
    see: async (world) => {
      const user = await world.loggedIn();
      return (await user.call("me/tokens", { body: { name: "t", days: 11 } })).status;
    },
    ...{ before: 201, after: 400 },
  },
  "server.public_console_url": {
    value: "https://console.example",
    see: async ({ client }) => {
      const headers = { host: "console.example", origin: "https://console.example" };
      const cookie = (await client().logIn("admin", testPassword, headers)).headers.get("set-cookie") ?? "";
      return [cookie.startsWith("__Host-"), cookie.endsWith("; Secure")];
    },
    ...{ before: [false, false], after: [true, true] },
  },
  "server.trusted_proxies": {
    value: ["127.0.0.1"],
    see: async ({ client }) => {
      const user = client();
      await user.logIn("admin", testPassword, { "x-forwarded-for": "198.51.100.9" });
      const { items } = (await user.call("me/sessions")).body;
      return items.find(({ current }: { current: boolean }) => current).address;
    },
    ...{ before: "127.0.0.1", after: "198.51.100.9" },
  },
};

test.each(Object.entries(effects))("%s: holds from the answer of its change on", async (name, effect) => {
  const isOfRate = name === "security.ratelimit_login_per_minute";
  const world = await openConsole(isOfRate ? { [name]: undefined } : {});
  expect([name, await effect.see(world)]).toEqual([name, effect.before]);
  const answer = await world.fetch("/api/v1/settings", {
    method: "PATCH",
    body: JSON.stringify({ [name]: effect.value }),
    headers: { "if-match": "*" },
    as: testAdministrator,
  });
  expect([name, answer.status]).toEqual([name, 200]);
  expect([name, await effect.see(world)]).toEqual([name, effect.after]);
});

test("settings of log-in: the server has all of them", () => {
  expect(Object.keys(effects).filter((name) => !availableSettings.some((available) => available === name))).toEqual([]);
});

async function statusAfter(world: World, seconds: number, path = "auth/session"): Promise<number> {
  const user = await world.loggedIn();
  world.clock.advance(seconds * 1000);
  return (await user.call(path)).status;
}

/** Status of the right password after so many wrong ones and so many seconds. */
async function failThenWait({ client, clock }: World, failures: number, seconds: number): Promise<number> {
  clock.advance(1_000_000);
  for (let i = 0; i < failures; i++) await client().logIn("admin", "wrong");
  clock.advance(seconds * 1000);
  return (await client().logIn("admin", testPassword)).status;
}

function passwordEffect(value: unknown, words: string, [before, after]: readonly [boolean, boolean]): Effect {
  const see = async (world: World) => {
    const user = await world.loggedIn();
    const { body } = await user.call("me/password", { body: { password: "x" } });
    return body.errors.some(({ message }: { message: string }) => message.includes(words));
  };
  return { value, see, before, after };
}

async function seeRateLimit(world: World): Promise<string | null> {
  return (await (await world.loggedIn()).call("me")).headers.get("ratelimit-limit");
}
