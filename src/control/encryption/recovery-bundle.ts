import { createCipheriv, createDecipheriv, scrypt } from "node:crypto";
import type { Random } from "#kernel/base/random.ts";
import type { KeyEncryptionKey } from "#kernel/protocol/to-data.ts";
import { makeRootKey, type RootKey } from "./root-key.ts";

/** All that opens the objects of a data folder. */
export interface RecoveryKeys {
  readonly rootKey: RootKey;
  /** Oldest first. With them objects open even when the control database is lost. */
  readonly keys: readonly KeyEncryptionKey[];
}

/** The bundle cannot be made or opened. The message is for the operator. */
export class RecoveryBundleError extends Error {
  override readonly name = "RecoveryBundleError";
  /** `EX_DATAERR`. Source: sysexits.h. */
  readonly exitCode = 65;
}

const format = "maxiofs-recovery-bundle";
const minPassphraseCharacters = 12;
const maxBundleCharacters = 1_048_576;
/** 128 MiB and about half a second. Source: RFC 7914; OWASP Password Storage Cheat Sheet (scrypt N = 2^17, r = 8, p = 1). */
const cost = { N: 2 ** 17, r: 8, p: 1, maxmem: 2 ** 28 };
const saltBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;
const base64Text = /^[A-Za-z0-9+/]+={0,2}$/;

/**
 * Seals the keys with a passphrase: JSON text to be kept apart from the data.
 * @throws RecoveryBundleError when the passphrase has less than 12 characters.
 */
export async function exportRecoveryBundle(keys: RecoveryKeys, passphrase: string, random: Random): Promise<string> {
  if (passphrase.length < minPassphraseCharacters) {
    throw new RecoveryBundleError(
      `The passphrase has ${passphrase.length} characters; ${minPassphraseCharacters} at least are wanted`,
    );
  }
  const header = { format, version: 1, rootKeyId: keys.rootKey.id };
  const salt = random.bytes(saltBytes);
  const nonce = random.bytes(nonceBytes);
  const cipher = createCipheriv("aes-256-gcm", await stretch(passphrase, salt), nonce);
  cipher.setAAD(Buffer.from(JSON.stringify(header)));
  const content = JSON.stringify({
    rootKey: encode(keys.rootKey.bytes),
    keys: keys.keys.map(({ version, key }) => ({ version, key: encode(key) })),
  });
  const sealed = Buffer.concat([cipher.update(content, "utf8"), cipher.final(), cipher.getAuthTag()]);
  const bundle = {
    ...header,
    kdf: "scrypt N=131072 r=8 p=1",
    salt: encode(salt),
    nonce: encode(nonce),
    sealed: encode(sealed),
  };
  return `${JSON.stringify(bundle, undefined, 2)}\n`;
}

/**
 * Opens what `exportRecoveryBundle` made.
 * @throws RecoveryBundleError when the text is no bundle, or the passphrase or one bit is wrong.
 */
export async function openRecoveryBundle(text: string, passphrase: string): Promise<RecoveryKeys> {
  const bundle = parseBundle(text);
  const { sealed, salt, nonce, rootKeyId } = bundle;
  const decipher = createDecipheriv("aes-256-gcm", await stretch(passphrase, salt), nonce);
  decipher.setAAD(Buffer.from(JSON.stringify({ format, version: 1, rootKeyId })));
  decipher.setAuthTag(sealed.subarray(-tagBytes));
  let content = "";
  try {
    content = decipher.update(sealed.subarray(0, -tagBytes), undefined, "utf8") + decipher.final("utf8");
  } catch {
    throw new RecoveryBundleError("The passphrase does not open this recovery bundle, or the bundle was changed");
  }
  return parseContent(content);
}

function stretch(passphrase: string, salt: Uint8Array): Promise<Buffer> {
  return new Promise((done, fail) => {
    scrypt(passphrase.normalize("NFKC"), salt, 32, cost, (error, key) => (error ? fail(error) : done(key)));
  });
}

interface ParsedBundle {
  readonly rootKeyId: string;
  readonly salt: Buffer;
  readonly nonce: Buffer;
  readonly sealed: Buffer;
}

function parseBundle(text: string): ParsedBundle {
  const value = text.length > maxBundleCharacters ? undefined : parseJson(text);
  if (field(value, "format") !== format) throw new RecoveryBundleError("This is no recovery bundle");
  if (field(value, "version") !== 1) throw new RecoveryBundleError("This recovery bundle was made by a newer release");
  const [salt, nonce, sealed] = ["salt", "nonce", "sealed"].map((name) => decode(field(value, name)));
  const rootKeyId = field(value, "rootKeyId");
  const isWhole = salt?.length === saltBytes && nonce?.length === nonceBytes && typeof rootKeyId === "string";
  if (!isWhole || sealed === undefined || sealed.length < tagBytes)
    throw new RecoveryBundleError("The recovery bundle is damaged");
  return { rootKeyId, salt, nonce, sealed };
}

function parseContent(text: string): RecoveryKeys {
  const value = parseJson(text);
  const list = field(value, "keys");
  const rootKey = decode(field(value, "rootKey"));
  if (rootKey === undefined || !Array.isArray(list)) throw new RecoveryBundleError("The recovery bundle is damaged");
  const keys = list.map((item: unknown) => {
    const version = field(item, "version");
    const key = decode(field(item, "key"));
    if (typeof version !== "number" || key === undefined)
      throw new RecoveryBundleError("The recovery bundle is damaged");
    return { version, key: new Uint8Array(key) };
  });
  return { rootKey: makeRootKey(new Uint8Array(rootKey)), keys };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Object.getOwnPropertyDescriptor(value, name)?.value : undefined;
}

function encode(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

function decode(value: unknown): Buffer | undefined {
  return typeof value === "string" && base64Text.test(value) ? Buffer.from(value, "base64") : undefined;
}
