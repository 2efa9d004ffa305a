import type { Random } from "#kernel/base/random.ts";

/** An access key's two parts. */
export interface Credentials {
  readonly accessKeyId: string;
  /** 16 to 128 characters of printable ASCII. */
  readonly secretKey: string;
}

const base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const idDigits = 16;
/** 30 bytes are 40 characters of base64. */
const secretBytes = 30;
const accountDigits = 12;

/** `prefix` and 16 characters of base 32 (80 random bits): `AKIA` for access keys, `ASIA` for temporary ones, `AIDA` for users. */
export function makeUniqueId(prefix: "AKIA" | "ASIA" | "AIDA" | "AGPA" | "AROA" | "ANPA", random: Random): string {
  let id: string = prefix;
  for (const byte of random.bytes(idDigits)) id += base32.charAt(byte & 31);
  return id;
}

/** An id like AWS's and a secret of 40 characters, 240 random bits. */
export function makeCredentials(random: Random): Credentials {
  return {
    accessKeyId: makeUniqueId("AKIA", random),
    secretKey: Buffer.from(random.bytes(secretBytes)).toString("base64"),
  };
}

/** 12 random digits. Source: the AWS account id, which Terraform and ARNs want in this form. */
export function makeAccountId(random: Random): string {
  const { buffer, byteOffset } = random.bytes(8);
  const value = new DataView(buffer, byteOffset).getBigUint64(0);
  return String(value % 10n ** BigInt(accountDigits)).padStart(accountDigits, "0");
}

/** 64 random hex digits: the canonical id of an account. */
export function makeCanonicalId(random: Random): string {
  return Buffer.from(random.bytes(32)).toString("hex");
}
