import { type ChecksumAlgorithm, checksumSpecs } from "../s3/checksum.ts";
import { unquoteETag } from "../s3/etag.ts";
import { S3Error } from "../s3/s3-error.ts";
import type { XmlElement } from "./read-xml.ts";
import { maxLargeXmlBytes, readRoot } from "./xml-element.ts";

/** Parts are numbered from 1 to this. */
export const maxPartNumber = 10_000;

/** A part as the client lists it. */
export interface PartToComplete {
  /** 1 to `maxPartNumber`. */
  readonly partNumber: number;
  /** Without quotes. */
  readonly etag: string;
  /** Base64 as sent, not checked: one that differs from the part's is InvalidPart, whatever it looks like. */
  readonly checksum?: { readonly algorithm: ChecksumAlgorithm; readonly base64: string };
}

const integer = /^-?\d{1,15}$/;
const algorithmByElement: ReadonlyMap<string, ChecksumAlgorithm> = new Map(
  checksumSpecs.map((spec) => [spec.element, spec.name]),
);

/**
 * Reads the body of CompleteMultipartUpload, 8 MiB at most: parts in strictly ascending order, so 10,000 at most.
 * @throws S3Error MalformedXML (no body, no number, no ETag), MaxMessageLengthExceeded; InvalidRequest without a part or
 * with two checksums for one; InvalidArgument (ArgumentName, ArgumentValue) for a number outside 1 to `maxPartNumber`;
 * InvalidPartOrder (UploadId).
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
 */
export function readCompleteMultipartUpload(bytes: Uint8Array, uploadId: string): readonly PartToComplete[] {
  const root = readRoot(bytes, "CompleteMultipartUpload", maxLargeXmlBytes);
  const parts: PartToComplete[] = [];
  let previousNumber = 0;
  for (const child of root.children) {
    if (child.name !== "Part") continue;
    const part = readPart(child);
    if (part.partNumber <= previousNumber) throw new S3Error("InvalidPartOrder", { fields: { UploadId: uploadId } });
    previousNumber = part.partNumber;
    parts.push(part);
  }
  if (parts.length === 0) throw new S3Error("InvalidRequest", { message: "You must specify at least one part" });
  return parts;
}

function readPart(element: XmlElement): PartToComplete {
  let partNumber: number | undefined;
  let etag: string | undefined;
  let checksum: PartToComplete["checksum"];
  for (const child of element.children) {
    if (child.name === "PartNumber") {
      if (partNumber !== undefined) throw new S3Error("MalformedXML");
      partNumber = parsePartNumber(child.text.trim());
    } else if (child.name === "ETag") {
      if (etag !== undefined) throw new S3Error("MalformedXML");
      etag = unquoteETag(child.text.trim());
    } else {
      const algorithm = algorithmByElement.get(child.name);
      if (algorithm === undefined || child.text === "") continue;
      if (checksum !== undefined) {
        throw new S3Error("InvalidRequest", { message: "Only one checksum may be given for a part" });
      }
      checksum = { algorithm, base64: child.text.trim() };
    }
  }
  if (partNumber === undefined || etag === undefined || etag === "") throw new S3Error("MalformedXML");
  return checksum === undefined ? { partNumber, etag } : { partNumber, etag, checksum };
}

function parsePartNumber(text: string): number {
  if (!integer.test(text)) throw new S3Error("MalformedXML");
  const partNumber = Number(text);
  if (partNumber >= 1 && partNumber <= maxPartNumber) return partNumber;
  throw new S3Error("InvalidArgument", {
    message: `Part number must be an integer between 1 and ${maxPartNumber}, inclusive`,
    fields: { ArgumentName: "partNumber", ArgumentValue: text },
  });
}
