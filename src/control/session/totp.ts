import { generateURI, verifySync } from "otplib";
import type { Random } from "#kernel/base/random.ts";

const secretBytes = 20;
const base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/** A code of the step before or after counts too: clocks differ and people type slowly. */
const toleranceSeconds = 30;

/** A code that was right. */
export interface AcceptedCode {
  /** Number of 30-second steps since 1970; no code of this step or an earlier one may be accepted again. */
  readonly timeStep: number;
}

/** A new secret, 160 random bits in base 32. Source: RFC 4226 section 4, requirement R6. */
export function makeTotpSecret(random: Random): string {
  let bits = "";
  for (const byte of random.bytes(secretBytes)) bits += byte.toString(2).padStart(8, "0");
  return bits.replaceAll(/.{5}/g, (group) => base32.charAt(Number.parseInt(group, 2)));
}

/** The `otpauth://` address that authenticator apps read from a picture. */
export function renderTotpUri(secret: string, label: string): string {
  return generateURI({ issuer: "MaxIOFS", label, secret });
}

/** Whom a code must come from, and when. */
export interface TotpCheck {
  /** Base 32. */
  readonly secret: string;
  readonly nowMs: number;
  /** Step of the last code accepted, undefined when there was none. */
  readonly afterTimeStep: number | undefined;
}

/**
 * Judges a code of six digits; a malformed one is a wrong one.
 * Source: RFC 6238 (SHA-1, 30 seconds; section 5.2: no code is accepted twice).
 */
export function verifyTotp(code: string, { secret, nowMs, afterTimeStep }: TotpCheck): AcceptedCode | undefined {
  const epoch = Math.floor(nowMs / 1000);
  const after = afterTimeStep === undefined ? {} : { afterTimeStep };
  try {
    const result = verifySync({ secret, token: code, epoch, epochTolerance: toleranceSeconds, ...after });
    return result.valid && "timeStep" in result ? { timeStep: result.timeStep } : undefined;
  } catch {
    // A malformed code; or the clock was set back behind the last step, where nothing can be accepted.
    return undefined;
  }
}
