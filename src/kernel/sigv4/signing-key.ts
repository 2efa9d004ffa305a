import type { CredentialScope } from "./credential-scope.ts";
import { RecentMap } from "./recent-map.ts";

interface DerivedKey {
  readonly secretKey: string;
  readonly signingKey: Uint8Array;
}

const recentKeys = new RecentMap<DerivedKey>(4096);

/**
 * Derives the 32-byte key that signs everything of one day, region and service.
 * Source: AWS "Signature Calculations for the Authorization Header", task 3.
 */
export function deriveSigningKey(secretKey: string, scope: CredentialScope): Uint8Array {
  const dateKey = hmacSha256(Buffer.from(`AWS4${secretKey}`, "utf8"), scope.date);
  const regionKey = hmacSha256(dateKey, scope.region);
  const serviceKey = hmacSha256(regionKey, scope.service);
  return hmacSha256(serviceKey, "aws4_request");
}

/**
 * `deriveSigningKey`, remembered for the last 4,096 keys and scopes. A key whose secret changed is derived anew.
 * Callers must not change the bytes returned.
 */
export function signingKeyOf(accessKeyId: string, secretKey: string, scope: CredentialScope): Uint8Array {
  const name = `${accessKeyId}/${scope.text}`;
  const known = recentKeys.get(name);
  if (known !== undefined && known.secretKey === secretKey) return known.signingKey;
  const signingKey = deriveSigningKey(secretKey, scope);
  recentKeys.set(name, { secretKey, signingKey });
  return signingKey;
}

/** HMAC-SHA256 of ASCII text, as 64 lower-case hex. */
export function signText(signingKey: Uint8Array, text: string): string {
  return new Bun.CryptoHasher("sha256", signingKey).update(text).digest("hex");
}

function hmacSha256(key: Uint8Array, text: string): Uint8Array {
  return new Bun.CryptoHasher("sha256", key).update(text).digest();
}
