import { type HeaderLookup, readHeader } from "./header-lookup.ts";
import { S3Error } from "./s3-error.ts";

/** The checksum algorithms of S3, by their name on the wire. */
export type ChecksumAlgorithm =
  | "CRC32"
  | "CRC32C"
  | "CRC64NVME"
  | "SHA1"
  | "SHA256"
  | "SHA512"
  | "MD5"
  | "XXHASH64"
  | "XXHASH3"
  | "XXHASH128";

/** Whether a multipart checksum covers the object's bytes or the checksums of its parts. */
export type ChecksumType = "FULL_OBJECT" | "COMPOSITE";

/** Facts of one algorithm. */
export interface ChecksumSpec {
  readonly name: ChecksumAlgorithm;
  /** Header and trailer that carry the value, in lower case. */
  readonly header: string;
  /** Element of XML documents that carries the value. */
  readonly element: string;
  /** Raw length; on the wire the bytes are base64. */
  readonly digestBytes: number;
  /** Types a multipart upload may ask for; the first is the default. */
  readonly multipartTypes: readonly [ChecksumType, ...ChecksumType[]];
  /** Canonical base64 of `digestBytes` bytes. */
  readonly base64: RegExp;
}

/** A checksum the client announced or sent; `expectedBase64` is canonical base64 of the algorithm's length. */
export interface ExpectedChecksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly expectedBase64: string;
}

/** The checksum of a whole object as Complete names it; `partCount` is there when it was written `...-N`. */
export interface ExpectedObjectChecksum extends ExpectedChecksum {
  readonly partCount?: number;
}

/** How a multipart upload is checksummed. */
export interface MultipartChecksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly type: ChecksumType;
}

/**
 * Every checksum algorithm.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
 */
export const checksumAlgorithms: Readonly<Record<ChecksumAlgorithm, ChecksumSpec>> = {
  CRC32: specify("CRC32", 4, ["COMPOSITE", "FULL_OBJECT"]),
  CRC32C: specify("CRC32C", 4, ["COMPOSITE", "FULL_OBJECT"]),
  CRC64NVME: specify("CRC64NVME", 8, ["FULL_OBJECT"]),
  SHA1: specify("SHA1", 20, ["COMPOSITE"]),
  SHA256: specify("SHA256", 32, ["COMPOSITE"]),
  SHA512: specify("SHA512", 64, ["COMPOSITE"]),
  MD5: specify("MD5", 16, ["COMPOSITE"]),
  XXHASH64: specify("XXHASH64", 8, ["COMPOSITE"]),
  XXHASH3: specify("XXHASH3", 8, ["COMPOSITE"]),
  XXHASH128: specify("XXHASH128", 16, ["COMPOSITE"]),
};

/** What objects and uploads are checksummed with when the client names nothing. Source: API_PutObject. */
export const defaultChecksumAlgorithm = "CRC64NVME";

/** The algorithms as a list, in the table's order. */
export const checksumSpecs: readonly ChecksumSpec[] = Object.values(checksumAlgorithms);

const byName: ReadonlyMap<string, ChecksumSpec> = new Map(checksumSpecs.map((spec) => [spec.name, spec]));
const byHeader: ReadonlyMap<string, ChecksumSpec> = new Map(checksumSpecs.map((spec) => [spec.header, spec]));
/** What else begins as the headers with checksums do. */
const checksumOptions = new Set(["x-amz-checksum-algorithm", "x-amz-checksum-type", "x-amz-checksum-mode"]);
const partCountSuffix = /-([1-9]\d{0,4})$/;

/**
 * The checksum that came in a header; undefined when none did.
 * @throws S3Error InvalidRequest for two of them, one of an unknown algorithm, or a value that is no canonical base64 of its length.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
 */
export function parseChecksumHeaders(headers: HeaderLookup): ExpectedChecksum | undefined {
  const spec = findChecksumHeader(headers);
  if (spec === undefined) return undefined;
  return { algorithm: spec.name, expectedBase64: checkValue(spec, readHeader(headers, spec.header) ?? "") };
}

/**
 * Holds `x-amz-sdk-checksum-algorithm` to what it promises: a checksum of that algorithm in a header or trailer.
 * @throws S3Error InvalidRequest for an unknown name, or when that checksum does not come
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
 */
export function requireSdkChecksum(headers: HeaderLookup): void {
  const name = readHeader(headers, "x-amz-sdk-checksum-algorithm");
  if (name === undefined) return;
  const spec = byName.get(name.toUpperCase());
  if (spec === undefined)
    throw new S3Error("InvalidRequest", { message: "Value for x-amz-sdk-checksum-algorithm header is invalid." });
  const trailer = readHeader(headers, "x-amz-trailer")?.trim().toLowerCase();
  if (headers[spec.header] !== undefined || trailer === spec.header) return;
  throw new S3Error("InvalidRequest", {
    message:
      "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.",
  });
}

/**
 * The object checksum of CompleteMultipartUpload: as `parseChecksumHeaders`, but `base64-N` is understood too.
 * @throws S3Error InvalidRequest as `parseChecksumHeaders`.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
 */
export function parseObjectChecksumHeaders(headers: HeaderLookup): ExpectedObjectChecksum | undefined {
  const spec = findChecksumHeader(headers);
  if (spec === undefined) return undefined;
  const value = readHeader(headers, spec.header) ?? "";
  const suffix = partCountSuffix.exec(value);
  if (suffix === null) return { algorithm: spec.name, expectedBase64: checkValue(spec, value) };
  const expectedBase64 = checkValue(spec, value.slice(0, suffix.index));
  return { algorithm: spec.name, expectedBase64, partCount: Number(suffix[1]) };
}

/**
 * The checksum that `x-amz-trailer` announces; undefined when there is no trailer.
 * @throws S3Error InvalidRequest when it names anything but one checksum, or when a checksum header came as well.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
 */
export function parseTrailerAnnouncement(headers: HeaderLookup): ChecksumAlgorithm | undefined {
  const announced = readHeader(headers, "x-amz-trailer");
  if (announced === undefined || announced.trim() === "") return undefined;
  const spec = byHeader.get(announced.trim().toLowerCase());
  if (spec === undefined) {
    throw new S3Error("InvalidRequest", {
      message: "The value specified in the x-amz-trailer header is not supported",
    });
  }
  if (findChecksumHeader(headers) !== undefined) throw severalChecksums();
  return spec.name;
}

/**
 * Checks the value of an announced checksum trailer and returns it.
 * @throws S3Error InvalidRequest when it is no canonical base64 of the algorithm's length.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
 */
export function parseChecksumValue(algorithm: ChecksumAlgorithm, text: string): string {
  return checkValue(checksumAlgorithms[algorithm], text);
}

/**
 * Parses the name of an algorithm, in any case.
 * @throws S3Error InvalidRequest when there is none of that name.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html
 */
export function parseChecksumAlgorithm(text: string): ChecksumAlgorithm {
  const spec = byName.get(text.toUpperCase());
  if (spec !== undefined) return spec.name;
  const names = checksumSpecs.map((each) => each.name).join(", ");
  throw new S3Error("InvalidRequest", {
    message: `Checksum algorithm provided is unsupported. Please try again with any of the valid types: [${names}]`,
  });
}

/**
 * Decides how a multipart upload is checksummed from `x-amz-checksum-algorithm` and `x-amz-checksum-type`. Undefined when
 * neither was sent: parts may then carry any checksum, and the object ends as CRC64NVME over its bytes.
 * @throws S3Error InvalidRequest for an unknown name, a type without algorithm, a pair that does not go together.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html
 */
export function resolveMultipartChecksum(
  algorithm: string | undefined,
  type: string | undefined,
): MultipartChecksum | undefined {
  if (algorithm === undefined) {
    if (type === undefined) return undefined;
    throw new S3Error("InvalidRequest", {
      message: "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header",
    });
  }
  const spec = checksumAlgorithms[parseChecksumAlgorithm(algorithm)];
  if (type === undefined) return { algorithm: spec.name, type: spec.multipartTypes[0] };
  const wanted = spec.multipartTypes.find((each) => each === type.toUpperCase());
  if (wanted !== undefined) return { algorithm: spec.name, type: wanted };
  const known = type.toUpperCase() === "COMPOSITE" || type.toUpperCase() === "FULL_OBJECT";
  throw new S3Error("InvalidRequest", {
    message: known
      ? `The ${type.toUpperCase()} checksum type cannot be used with the ${spec.name.toLowerCase()} checksum algorithm.`
      : "Value for x-amz-checksum-type header is invalid.",
  });
}

function specify(
  name: ChecksumAlgorithm,
  digestBytes: number,
  multipartTypes: readonly [ChecksumType, ...ChecksumType[]],
): ChecksumSpec {
  const whole = Math.floor(digestBytes / 3) * 4;
  const tail = ["", "[A-Za-z0-9+/][AQgw]==", "[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]="][digestBytes % 3];
  const base64 = new RegExp(`^[A-Za-z0-9+/]{${whole}}${tail}$`);
  const header = `x-amz-checksum-${name.toLowerCase()}`;
  return { name, header, element: `Checksum${name}`, digestBytes, multipartTypes, base64 };
}

/** A checksum that nobody here can verify is not passed over. */
function findChecksumHeader(headers: HeaderLookup): ChecksumSpec | undefined {
  for (const name in headers) {
    if (name.startsWith("x-amz-checksum-") && !byHeader.has(name) && !checksumOptions.has(name))
      throw new S3Error("InvalidRequest", { message: `${name} is no checksum that is known here` });
  }
  let found: ChecksumSpec | undefined;
  for (const spec of checksumSpecs) {
    if (headers[spec.header] === undefined) continue;
    if (found !== undefined) throw severalChecksums();
    found = spec;
  }
  return found;
}

function checkValue(spec: ChecksumSpec, value: string): string {
  if (spec.base64.test(value)) return value;
  throw new S3Error("InvalidRequest", { message: `Value for ${spec.header} header is invalid.` });
}

function severalChecksums(): S3Error {
  return new S3Error("InvalidRequest", {
    message: "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
  });
}
