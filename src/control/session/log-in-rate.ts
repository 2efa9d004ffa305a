import type { Clock } from "#kernel/base/clock.ts";
import { clientNetwork } from "#kernel/policy/client-network.ts";
import { TooManyRequestsError } from "../http/control-error.ts";
import { RateLimiter } from "../http/rate-limiter.ts";
import { elsewhereFactor } from "./failure-store.ts";
import type { SessionSettings } from "./session-settings.ts";

const minuteMs = 60_000;

/** Limits log-ins per minute: of one address (IPv6: of one /64), and in one name. */
export class LogInRate {
  readonly #limiter: RateLimiter;
  readonly #settings: () => SessionSettings;

  constructor(settings: () => SessionSettings, clock: Clock) {
    this.#limiter = new RateLimiter(clock);
    this.#settings = settings;
  }

  /** @throws TooManyRequestsError when the address has used up its attempts. */
  requireAddress(address: string): void {
    this.#require(`address ${clientNetwork(address)}`);
  }

  /**
   * Attempts in one name from everywhere, but for addresses where the user logged in before: those have their own. The address's
   * own attempts are used up long before these.
   * @throws TooManyRequestsError when the attempts in the name are used up.
   */
  requireName({ tenant, userName }: { readonly tenant: string; readonly userName: string }): void {
    this.#require(`name ${JSON.stringify([tenant, userName.toLowerCase()])}`, elsewhereFactor);
  }

  #require(name: string, factor = 1): void {
    const settings = this.#settings();
    if (!settings["security.ratelimit_enabled"]) return;
    const limit = settings["security.ratelimit_login_per_minute"] * factor;
    const { allowed, retryAfterSeconds } = this.#limiter.take(name, { limit, windowMs: minuteMs });
    if (!allowed) throw new TooManyRequestsError(retryAfterSeconds);
  }
}
