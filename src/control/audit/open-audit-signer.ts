import type { Clock } from "#kernel/base/clock.ts";
import type { Random } from "#kernel/base/random.ts";
import type { ControlDatabase } from "../database/control-database.ts";
import type { Sealer } from "../encryption/seal.ts";
import { AuditSigner } from "./audit-signer.ts";
import { insertKey, readKeys } from "./audit-store.ts";

/** What finding the signing key needs. */
export interface AuditSignerSource {
  readonly database: ControlDatabase;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly random: Random;
}

const seedBytes = 32;

/** The newest signing key; the first start makes one. @throws SealBrokenError when it does not open. */
export function openAuditSigner({ database, sealer, clock, random }: AuditSignerSource): Promise<AuditSigner> {
  return database.transaction(async (queries) => {
    const newest = (await readKeys(queries)).at(-1);
    if (newest !== undefined) return new AuditSigner(sealer.open(newest.sealedSeed, placeOf(newest.keyId)));
    const seed = random.bytes(seedBytes);
    const signer = new AuditSigner(seed);
    const { keyId, publicKey } = signer;
    await insertKey(queries, { keyId, publicKey, sealedSeed: sealer.seal(seed, placeOf(keyId)) }, clock.nowMs());
    return signer;
  });
}

function placeOf(keyId: string): { table: string; row: string; column: string } {
  return { table: "audit_keys", row: keyId, column: "sealed_seed" };
}
