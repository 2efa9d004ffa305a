import { createCipheriv, createDecipheriv, hkdfSync } from "node:crypto";
import type { CredentialLink } from "../policy/credential-link.ts";
import type { NarrowingLayer } from "../policy/evaluate-access.ts";
import type { IdentityTag } from "../protocol/identities.ts";
import type { TokenKeyEntry } from "../protocol/sts.ts";
import type { SessionContent } from "./session-content.ts";

/** Characters of a session token at most. */
export const maxSessionTokenLength = 4096;
/** Random bytes that sealing takes; with them one key may seal 2^30 tokens and more. Source: NIST SP 800-38D, section 8.3. */
export const tokenNonceBytes = 12;

const format = "MX1";
const prefix = `${format}.`;
const keyIdBytes = 4;
const tagBytes = 16;
/** 40 characters of base64. */
const secretBytes = 30;

/** What a token is sealed with and for. */
export interface TokenSeal {
  readonly key: TokenKeyEntry;
  /** `ASIA...`: the token opens with this id alone. */
  readonly accessKeyId: string;
  /** `tokenNonceBytes` that no other token of the key has. */
  readonly nonce: Uint8Array;
}

type PackedLink = readonly [layer: NarrowingLayer, texts: readonly string[], policyIds: readonly string[]];
type PackedContent = readonly [
  tenantId: string,
  principalId: string,
  sessionName: string,
  sourceIdentity: string | null,
  issuedAtMs: number,
  expiresAtMs: number,
  mfaAtMs: number | null,
  tags: readonly IdentityTag[],
  transitiveTagKeys: readonly string[],
  chain: readonly PackedLink[],
  lineage: readonly string[],
  keyId: string | null,
];

/**
 * Seals what a session is: `MX1.` and base64url of key id (4 bytes), nonce (12), AES-256-GCM ciphertext and tag (16). Format and
 * access key id are associated data. The caller refuses one longer than `maxSessionTokenLength`.
 */
export function sealSessionToken(content: SessionContent, { key, accessKeyId, nonce }: TokenSeal): string {
  const cipher = createCipheriv("aes-256-gcm", key.key, nonce).setAAD(associatedData(accessKeyId));
  const sealed = [cipher.update(JSON.stringify(pack(content))), cipher.final(), cipher.getAuthTag()];
  return prefix + Buffer.concat([Buffer.from(key.keyId, "hex"), nonce, ...sealed]).toString("base64url");
}

/** What a token says and the secret that goes with it. */
export interface OpenedToken {
  readonly content: SessionContent;
  /** 40 characters. */
  readonly secretKey: string;
}

/**
 * Opens a token; nothing in it is believed before it is authenticated.
 * @param findKey bytes of a token key by its id; undefined when it is unknown or retired
 * @returns undefined when it is malformed, changed, of an unknown key, or of another access key id
 */
export function openSessionToken(
  token: string,
  accessKeyId: string,
  findKey: (keyId: string) => Uint8Array | undefined,
): OpenedToken | undefined {
  if (token.length > maxSessionTokenLength || !token.startsWith(prefix)) return undefined;
  const text = token.slice(prefix.length);
  const bytes = Buffer.from(text, "base64url");
  if (bytes.length <= keyIdBytes + tokenNonceBytes + tagBytes || bytes.toString("base64url") !== text) return undefined;
  const key = findKey(bytes.toString("hex", 0, keyIdBytes));
  if (key === undefined) return undefined;
  const nonce = bytes.subarray(keyIdBytes, keyIdBytes + tokenNonceBytes);
  const decipher = createDecipheriv("aes-256-gcm", key, nonce);
  decipher.setAAD(associatedData(accessKeyId)).setAuthTag(bytes.subarray(-tagBytes));
  try {
    const body = decipher.update(bytes.subarray(keyIdBytes + tokenNonceBytes, -tagBytes));
    decipher.final();
    return { content: unpack(JSON.parse(body.toString())), secretKey: deriveSessionSecret(key, accessKeyId) };
  } catch {
    return undefined;
  }
}

/** The secret of a temporary access key, 40 characters of base64. Source: RFC 5869 (HKDF) with SHA-256. */
export function deriveSessionSecret(tokenKey: Uint8Array, accessKeyId: string): string {
  const bytes = hkdfSync("sha256", tokenKey, "", `maxiofs/session-secret/1/${accessKeyId}`, secretBytes);
  return Buffer.from(bytes).toString("base64");
}

/** JSON, so that no two pairs have the same bytes. */
function associatedData(accessKeyId: string): Buffer {
  return Buffer.from(JSON.stringify([format, accessKeyId]));
}

function pack(content: SessionContent): PackedContent {
  return [
    content.tenantId,
    content.principalId,
    content.sessionName,
    content.sourceIdentity,
    content.issuedAtMs,
    content.expiresAtMs,
    content.mfaAtMs,
    content.tags,
    content.transitiveTagKeys,
    content.chain.map(({ layer, texts, policyIds }) => [layer, texts, policyIds]),
    content.lineage,
    content.keyId ?? null,
  ];
}

/** Only what this program sealed gets here: its form needs no check. */
function unpack(packed: PackedContent): SessionContent {
  const [tenantId, principalId, sessionName, sourceIdentity, issuedAtMs, expiresAtMs, mfaAtMs, ...lists] = packed;
  const [tags, transitiveTagKeys, links, lineage, keyId] = lists;
  const chain: readonly CredentialLink[] = links.map(([layer, texts, policyIds]) => ({ layer, texts, policyIds }));
  return {
    ...{ tenantId, principalId, sessionName, sourceIdentity, issuedAtMs, expiresAtMs, mfaAtMs },
    ...{ tags, transitiveTagKeys, chain, lineage },
    ...(keyId !== null && { keyId }),
  };
}
