import { randomBytes } from "#kernel/base/random.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import { DamagedBytesError } from "../crypto/inline-body.ts";
import {
  KeyUnwrapError,
  keyIdentity,
  makeDataKey,
  openKey,
  sealKey,
  type WrappedKey,
} from "../crypto/object-key-ring.ts";
import type { ResponseHeaders } from "../request/respond.ts";
import type { Refused, S3Request } from "../request/s3-request.ts";

const customerKeyBytes = 32;
const bucketKeyHeader = "x-amz-server-side-encryption-bucket-key-enabled";
const keyServiceHeaders = [
  "x-amz-server-side-encryption-aws-kms-key-id",
  "x-amz-server-side-encryption-context",
  bucketKeyHeader,
] as const;

/** A key the client sent (SSE-C): it only wraps the data key and is never stored. */
export interface CustomerKey {
  readonly key: Uint8Array;
  /** Base64 of the key's MD5. */
  readonly md5: string;
}

/** Which side of a copy the SSE-C headers are for. */
export type CustomerKeyPrefix =
  | "x-amz-server-side-encryption-customer-"
  | "x-amz-copy-source-server-side-encryption-customer-";

/** What an object's metadata says about its key. */
export interface StoredKey {
  readonly key: WrappedKey;
  readonly customerKeyMd5?: string;
}

/**
 * The client's own key, if the request carries one.
 * @throws S3Error InvalidEncryptionAlgorithmError, InvalidArgument, InvalidRequest (over plain HTTP)
 */
export function parseCustomerKey(
  request: S3Request,
  prefix: CustomerKeyPrefix = "x-amz-server-side-encryption-customer-",
): CustomerKey | undefined {
  const algorithm = request.header(`${prefix}algorithm`);
  const keyText = request.header(`${prefix}key`);
  const md5 = request.header(`${prefix}key-md5`);
  if (algorithm === undefined && keyText === undefined && md5 === undefined) return undefined;
  if (!request.secure && !request.plane.snapshot.settings["s3.allow_sse_c_http"]) {
    throw new S3Error("InvalidRequest", {
      message:
        "Requests specifying Server Side Encryption with Customer provided keys must be made over a secure connection",
    });
  }
  if (algorithm !== "AES256")
    throw new S3Error("InvalidEncryptionAlgorithmError", {
      fields: { ArgumentName: `${prefix}algorithm`, ArgumentValue: algorithm ?? "" },
    });
  const key = Buffer.from(keyText ?? "", "base64");
  if (key.length !== customerKeyBytes || key.toString("base64") !== keyText)
    throw invalidKey(`${prefix}key`, "The secret key was invalid for the specified algorithm");
  if (new Bun.CryptoHasher("md5").update(key).digest("base64") !== md5)
    throw invalidKey(`${prefix}key-md5`, "The calculated MD5 hash of the key did not match the hash that was provided");
  return { key, md5 };
}

/**
 * Checks the headers that ask for server-side encryption of a new object: AES256 is what always happens.
 * @throws S3Error InvalidEncryptionAlgorithmError, KMS.NotFoundException (there is no key store yet), NotImplemented, InvalidArgument
 */
export function checkEncryptionHeaders(request: S3Request, customerKey: CustomerKey | undefined): void {
  const wanted = request.header("x-amz-server-side-encryption");
  if (wanted === undefined) {
    refuseKeyServiceHeaders(request);
    return;
  }
  if (customerKey)
    throw new S3Error("InvalidArgument", {
      message: "Server Side Encryption with Customer provided key is incompatible with the encryption method specified",
      fields: { ArgumentName: "x-amz-server-side-encryption", ArgumentValue: wanted },
    });
  if (wanted === "aws:kms") throw new S3Error("KMS.NotFoundException");
  if (wanted === "aws:kms:dsse")
    throw new S3Error("NotImplemented", { fields: { Header: "x-amz-server-side-encryption" } });
  if (wanted !== "AES256")
    throw new S3Error("InvalidEncryptionAlgorithmError", {
      fields: { ArgumentName: "x-amz-server-side-encryption", ArgumentValue: wanted },
    });
  refuseKeyServiceHeaders(request);
}

/** What says how a key service is to be used needs one. @throws S3Error InvalidArgument */
function refuseKeyServiceHeaders(request: S3Request): void {
  for (const name of keyServiceHeaders) {
    const value = request.header(name);
    if (value === undefined || (name === bucketKeyHeader && value.toLowerCase() === "false")) continue;
    throw new S3Error("InvalidArgument", {
      message: `${name} requires x-amz-server-side-encryption: aws:kms`,
      fields: { ArgumentName: name, ArgumentValue: value },
    });
  }
}

/** A fresh data key, wrapped for (bucket, key): by the client's key under SSE-C, else by the server's. */
export function makeObjectKey(
  request: S3Request,
  owner: { bucketId: string; key: string; customerKey: CustomerKey | undefined },
): { dataKey: Uint8Array; stored: StoredKey } {
  const dataKey = makeDataKey();
  return { dataKey, stored: wrapObjectKey(request, { ...owner, dataKey }) };
}

/** Wraps a data key for (bucket, key). */
export function wrapObjectKey(
  request: S3Request,
  options: { bucketId: string; key: string; dataKey: Uint8Array; customerKey: CustomerKey | undefined },
): StoredKey {
  const { dataKey, customerKey } = options;
  const identity = keyIdentity(options.bucketId, options.key);
  if (!customerKey) return { key: request.plane.keyRing.wrap(dataKey, identity) };
  return { key: { version: 0, sealed: sealKey(customerKey.key, dataKey, identity) }, customerKeyMd5: customerKey.md5 };
}

/**
 * Opens an object's data key.
 * @throws S3Error InvalidRequest (SSE-C object read without key, or key sent for another object), AccessDenied (wrong key)
 * @throws DamagedBytesError when the server's own key does not open it
 */
export function openObjectKey(
  request: S3Request,
  options: KeyToMatch & { readonly bucketId: string; readonly key: string },
): Uint8Array {
  const { stored, customerKey } = options;
  const identity = keyIdentity(options.bucketId, options.key);
  requireMatchingKey(request, options);
  try {
    if (customerKey) return openKey(customerKey.key, stored.key.sealed, identity);
    return request.plane.keyRing.unwrap(stored.key, identity);
  } catch (error) {
    if (!(error instanceof KeyUnwrapError)) throw error;
    throw new DamagedBytesError(error.message);
  }
}

/** An object's key and the one that came with the request. */
interface KeyToMatch {
  readonly stored: StoredKey;
  readonly customerKey: CustomerKey | undefined;
  /** Whose key it is, unless it is the object of the request. */
  readonly refused?: Refused;
}

/** The rule of SSE-C reads. @throws S3Error InvalidRequest, AccessDenied */
export function requireMatchingKey(request: S3Request, { stored, customerKey, refused }: KeyToMatch): void {
  if (stored.customerKeyMd5 === undefined) {
    if (customerKey)
      throw new S3Error("InvalidRequest", { message: "The encryption parameters are not applicable to this object" });
    return;
  }
  if (!customerKey) {
    throw new S3Error("InvalidRequest", {
      message:
        "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object",
    });
  }
  if (customerKey.md5 !== stored.customerKeyMd5)
    throw request.refuseFor("The customer's key is not the one that the object is encrypted with", refused);
}

/** Response headers that tell how an object is encrypted. */
export function encryptionHeaders(stored: Pick<StoredKey, "customerKeyMd5">): ResponseHeaders {
  if (stored.customerKeyMd5 === undefined) return { "x-amz-server-side-encryption": "AES256" };
  return {
    "x-amz-server-side-encryption-customer-algorithm": "AES256",
    "x-amz-server-side-encryption-customer-key-MD5": stored.customerKeyMd5,
  };
}

/** 32 random hex digits: the ETag where no digest of the plaintext may leak. */
export function randomETag(): string {
  return Buffer.from(randomBytes(16)).toString("hex");
}

function invalidKey(name: string, message: string): S3Error {
  return new S3Error("InvalidArgument", { message, fields: { ArgumentName: name } });
}
