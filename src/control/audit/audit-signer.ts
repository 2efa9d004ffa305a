import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { canonicalJson } from "./canonical-json.ts";

/** A public key of the audit, as it is stored and shown. */
export interface AuditPublicKey {
  /** 32 hex digits. */
  readonly keyId: string;
  /** Base64 of 32 bytes. */
  readonly publicKey: string;
}

/** What is signed about a chain: `head` where it stood, `cut` what retention dropped up to. */
export interface UnsignedMark {
  readonly chain: string;
  readonly kind: "head" | "cut";
  readonly seq: number;
  /** Of the event with this `seq`. */
  readonly hash: string;
  readonly timeMs: number;
}

/** A mark with its signature, base64. */
export interface AuditMark extends UnsignedMark {
  readonly keyId: string;
  readonly signature: string;
}

/** DER around the bytes of a key. Source: RFC 8410, sections 4 and 7. */
const privatePrefix = Buffer.from("302e020100300506032b657004220420", "hex");
const publicPrefix = Buffer.from("302a300506032b6570032100", "hex");

/** Signs what the audit vouches for, with Ed25519. Source: RFC 8032. */
export class AuditSigner implements AuditPublicKey {
  readonly keyId: string;
  readonly publicKey: string;
  readonly #key: KeyObject;

  /** @param seed 32 random bytes: the private key */
  constructor(seed: Uint8Array) {
    this.#key = createPrivateKey({ key: Buffer.concat([privatePrefix, seed]), format: "der", type: "pkcs8" });
    const bytes = createPublicKey(this.#key).export({ format: "der", type: "spki" }).subarray(publicPrefix.length);
    this.publicKey = bytes.toString("base64");
    this.keyId = keyIdOf(this.publicKey);
  }

  /** The mark with a signature over all of it. */
  signMark(mark: UnsignedMark): AuditMark {
    return { ...mark, keyId: this.keyId, signature: this.sign(renderMark(mark)) };
  }

  /** The signature of a text, base64. */
  sign(text: string): string {
    return sign(null, Buffer.from(text), this.#key).toString("base64");
  }
}

/** Whether a parsed value has the form of a mark; its signature is another question. */
export function isAuditMark(value: unknown): value is AuditMark {
  if (typeof value !== "object" || value === null) return false;
  const { chain, kind, seq, hash, timeMs, keyId, signature } = value as Readonly<Record<string, unknown>>;
  const hasTexts = [chain, hash, keyId, signature].every((text) => typeof text === "string");
  return hasTexts && (kind === "head" || kind === "cut") && [seq, timeMs].every(Number.isSafeInteger);
}

/** The id of a public key: a digest of it, so that it cannot be chosen. */
export function keyIdOf(publicKey: string): string {
  return createHash("sha256").update(Buffer.from(publicKey, "base64")).digest("hex").slice(0, 32);
}

/** Whether the mark was signed by one of these keys. */
export function isMarkGenuine(mark: AuditMark, keys: readonly AuditPublicKey[]): boolean {
  return isSignedBy(keys, mark.keyId, { text: renderMark(mark), signature: mark.signature });
}

/** Whether the text was signed by the key of this id, and that is one of these. */
export function isSignedBy(
  keys: readonly AuditPublicKey[],
  keyId: string,
  { text, signature }: { readonly text: string; readonly signature: string },
): boolean {
  const found = keys.find((key) => key.keyId === keyId);
  if (found === undefined) return false;
  try {
    const key = Buffer.concat([publicPrefix, Buffer.from(found.publicKey, "base64")]);
    const publicKey = createPublicKey({ key, format: "der", type: "spki" });
    return verify(null, Buffer.from(text), publicKey, Buffer.from(signature, "base64"));
  } catch {
    return false;
  }
}

function renderMark({ chain, kind, seq, hash, timeMs }: UnsignedMark): string {
  return canonicalJson(["maxiofs/audit-mark/1", chain, kind, seq, hash, timeMs]);
}
