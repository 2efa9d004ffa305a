import { versionFlag } from "#kernel/protocol/mutation.ts";
import type { BucketEntry } from "#kernel/protocol/snapshot.ts";
import { renderIsoDate } from "#kernel/s3/http-date.ts";
import { escapeXml, renderElement, renderOptionalElement, renderTextElement } from "#kernel/xml/write-xml.ts";
import type { ListedObject, ListedUpload, ListedVersion } from "../catalog/catalog.ts";
import { hlcToMs } from "../catalog/version-id.ts";
import { decodeFlags, parseUploadMeta } from "../object-meta.ts";

/** How the entries of one page are rendered. */
export interface EntryStyle {
  /** Key-like text as it stands in the document. */
  readonly renderKey: (key: string) => string;
  /** An `Owner` element, or nothing. */
  readonly owner: string;
}

/** Elements of a version that its flags decide: those after the ETag, and the storage class. */
interface FlagTexts {
  readonly checksum: string;
  readonly storageClass: string;
}

const msPerSecond = 1000;
/** Bits of the flags that `FlagTexts` depends on: checksum, type, storage class. */
const textBits = ~0xff;
const flagTexts = new Map<number, FlagTexts>();

/** `Owner` or `Initiator`. */
export function renderOwner(
  element: "Owner" | "Initiator",
  { id, displayName }: { readonly id: string; readonly displayName: string },
): string {
  return renderElement(element, renderTextElement("ID", id) + renderTextElement("DisplayName", displayName));
}

/** `Owner` of a bucket, which owns all that is in it. */
export function renderBucketOwner({ ownerCanonicalId, ownerDisplayName }: BucketEntry): string {
  return renderOwner("Owner", { id: ownerCanonicalId, displayName: ownerDisplayName });
}

/** `CommonPrefixes` elements. */
export function renderCommonPrefixes(
  prefixes: readonly string[],
  { renderKey }: Pick<EntryStyle, "renderKey">,
): string {
  let text = "";
  for (const prefix of prefixes) text += `<CommonPrefixes><Prefix>${renderKey(prefix)}</Prefix></CommonPrefixes>`;
  return text;
}

/** `Contents` elements, about 330 characters a row. One pass without objects per row: this is most of what a page costs. */
export function renderContents(rows: readonly ListedObject[], { renderKey, owner }: EntryStyle): string {
  const dates = new DateTexts();
  let texts = textsOf(0);
  let textsFor = 0;
  let text = "";
  for (const row of rows) {
    const bits = row[2] & textBits;
    if (bits !== textsFor) {
      texts = textsOf(bits);
      textsFor = bits;
    }
    text += `<Contents><Key>${renderKey(row[0])}</Key><LastModified>${dates.of(row[1])}</LastModified><ETag>&quot;${escapeXml(row[4])}&quot;</ETag>${texts.checksum}<Size>${row[3]}</Size>${owner}${texts.storageClass}</Contents>`;
  }
  return text;
}

/** `Version` and `DeleteMarker` elements, interleaved as the rows are. */
export function renderVersions(rows: readonly ListedVersion[], { renderKey, owner }: EntryStyle): string {
  const dates = new DateTexts();
  let text = "";
  for (const [key, hlc, flags, sizeBytes, etag, versionId] of rows) {
    const isLatest = (flags & versionFlag.latest) !== 0;
    const place = `<Key>${renderKey(key)}</Key><VersionId>${versionId === null ? "null" : escapeXml(versionId)}</VersionId><IsLatest>${isLatest}</IsLatest><LastModified>${dates.of(hlc)}</LastModified>`;
    if (flags & versionFlag.marker) {
      text += `<DeleteMarker>${place}${owner}</DeleteMarker>`;
      continue;
    }
    const { checksum, storageClass } = textsOf(flags & textBits);
    text += `<Version>${place}<ETag>&quot;${escapeXml(etag)}&quot;</ETag>${checksum}<Size>${sizeBytes}</Size>${owner}${storageClass}</Version>`;
  }
  return text;
}

/** `Upload` elements. */
export function renderUploads(rows: readonly ListedUpload[], { renderKey, owner }: EntryStyle): string {
  let text = "";
  for (const [key, uploadId, initiatedHlc, json] of rows) {
    const meta = parseUploadMeta(json);
    const checksum =
      renderOptionalElement("ChecksumAlgorithm", meta.checksumAlgorithm ?? undefined) +
      renderOptionalElement("ChecksumType", meta.checksumType ?? undefined);
    const place = `<Key>${renderKey(key)}</Key><UploadId>${escapeXml(uploadId)}</UploadId>`;
    text += `<Upload>${place}${renderOwner("Initiator", meta.initiator)}${owner}<StorageClass>${meta.storageClass}</StorageClass><Initiated>${renderIsoDate(hlcToMs(initiatedHlc))}</Initiated>${checksum}</Upload>`;
  }
  return text;
}

/** Renders dates; neighbours in a listing often share the second. */
class DateTexts {
  #second = -1;
  #text = "";

  of(hlc: number): string {
    const ms = hlcToMs(hlc);
    const second = Math.floor(ms / msPerSecond);
    if (second !== this.#second) {
      this.#text = renderIsoDate(ms);
      this.#second = second;
    }
    return this.#text;
  }
}

function textsOf(bits: number): FlagTexts {
  let texts = flagTexts.get(bits);
  if (texts === undefined) {
    texts = makeTexts(bits);
    flagTexts.set(bits, texts);
  }
  return texts;
}

function makeTexts(bits: number): FlagTexts {
  const { algorithm, type, storageClass } = decodeFlags(bits);
  const checksum =
    algorithm === undefined
      ? ""
      : renderTextElement("ChecksumAlgorithm", algorithm) + renderTextElement("ChecksumType", type);
  return { checksum, storageClass: renderTextElement("StorageClass", storageClass) };
}
