import { checksumAlgorithms } from "#kernel/s3/checksum.ts";
import { renderTextElement } from "#kernel/xml/write-xml.ts";
import type { PartChecksum } from "../multipart/part-checksum.ts";
import type { ObjectChecksum } from "../object-meta.ts";
import type { ResponseHeaders } from "../request/respond.ts";

/** The header of a checksum whose type is not told: that of a part. */
export function partChecksumHeaders({ algorithm, value }: PartChecksum): ResponseHeaders {
  return { [checksumAlgorithms[algorithm].header]: value };
}

/** The element of a checksum whose type is not told. */
export function renderPartChecksum({ algorithm, value }: PartChecksum): string {
  return renderTextElement(checksumAlgorithms[algorithm].element, value);
}

/** Headers that name an object's checksum and its type; none without one. */
export function checksumHeaders(checksum: ObjectChecksum | null): ResponseHeaders {
  return checksum ? { ...partChecksumHeaders(checksum), "x-amz-checksum-type": checksum.type } : {};
}

/** Elements that name an object's checksum and its type; nothing without one. */
export function renderChecksum(checksum: ObjectChecksum | null): string {
  return checksum ? renderPartChecksum(checksum) + renderTextElement("ChecksumType", checksum.type) : "";
}
