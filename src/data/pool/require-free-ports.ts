import type { ListenAddress } from "#kernel/settings/value-parser.ts";
import { assertPortFree } from "../listener/shared-port.ts";
import { PoolStartError } from "./pool-start-error.ts";

/** Tries the addresses that are set, before anything is made. @throws PoolStartError naming the one that somebody else has. */
export async function requireFreePorts(addresses: readonly (ListenAddress | undefined)[]): Promise<void> {
  for (const listen of addresses) {
    if (!listen) continue;
    await assertPortFree(listen).catch((error: Error) => {
      throw new PoolStartError(`Cannot listen on ${listen.host}:${listen.port}: ${error.message}`);
    });
  }
}
