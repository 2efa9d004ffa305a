import { S3Error } from "./s3-error.ts";

declare const objectKeyBrand: unique symbol;

/** A key that passed `parseObjectKey`: well-formed Unicode, 1 to `maxKeyBytes` bytes of UTF-8, never a path. */
export type ObjectKey = string & { readonly [objectKeyBrand]: true };

/** Longest key, also prefix, delimiter and markers: bytes of UTF-8. */
export const maxKeyBytes = 1024;

/** A UTF-16 code unit takes at most 3 bytes of UTF-8: texts up to here need no counting. */
const surelyShortUnits = Math.floor(maxKeyBytes / 3);
const needsDecoding = /[%\x80-\uffff]/;
const highBytes = /[\x80-\xff]/g;
const noByte = /[\u0100-\uffff]/;
const encoder = new TextEncoder();

/**
 * Parses a decoded key. Every text of the right length is a key: `.`, `..`, `//` and control characters are ordinary.
 * @throws S3Error KeyTooLongError (Size, MaxSizeAllowed) beyond `maxKeyBytes` bytes of UTF-8; InvalidArgument when empty;
 * InvalidURI when it holds an unpaired surrogate, which no UTF-8 can carry.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
 */
export function parseObjectKey(text: string): ObjectKey {
  if (text.length === 0) {
    throw new S3Error("InvalidArgument", {
      message: "An object key must not be empty",
      fields: { ArgumentName: "key", ArgumentValue: "" },
    });
  }
  if (!text.isWellFormed()) throw new S3Error("InvalidURI");
  if (text.length > surelyShortUnits) {
    const sizeBytes = encoder.encode(text).length;
    if (sizeBytes > maxKeyBytes) {
      throw new S3Error("KeyTooLongError", { fields: { Size: sizeBytes, MaxSizeAllowed: maxKeyBytes } });
    }
  }
  return text as ObjectKey;
}

/**
 * Percent-decodes the raw text of a key once; `+` stays `+`. Each character of the input is one byte (0 to 0xff), as in
 * Node's header strings; the decoded bytes are read as UTF-8.
 * @throws S3Error InvalidURI on an incomplete escape, on bytes that are no (shortest-form) UTF-8, on characters above 0xff.
 * Source: RFC 3986 section 2.1, RFC 3629 section 3.
 */
export function decodeKeyBytes(percentEncoded: string): string {
  if (!needsDecoding.test(percentEncoded)) return percentEncoded;
  if (noByte.test(percentEncoded)) throw new S3Error("InvalidURI");
  try {
    // decodeURIComponent refuses overlong forms and surrogates by specification (ECMA-262, Decode).
    return decodeURIComponent(percentEncoded.replace(highBytes, escapeByte));
  } catch {
    throw new S3Error("InvalidURI");
  }
}

function escapeByte(character: string): string {
  return `%${character.charCodeAt(0).toString(16)}`;
}
