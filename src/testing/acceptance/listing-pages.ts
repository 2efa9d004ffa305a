import type { BucketClient } from "./bucket-client.ts";
import { type ListingQuery, sortKeys } from "./listing-model.ts";
import { readXmlElements, readXmlText, readXmlTexts } from "./xml-text.ts";

/** One page as it was answered. */
export interface ListedPage {
  /** Keys and common prefixes in the order of their UTF-8 bytes. */
  readonly entries: readonly string[];
  readonly isTruncated: boolean;
  readonly text: string;
}

/** A way to page: the query of the first page and that of the page after another. */
export interface PagedOperation {
  readonly name: string;
  /** The element around each entry, such as `Contents`. */
  readonly element: string;
  readonly first: (query: ListingQuery) => Record<string, string>;
  readonly next: (query: ListingQuery, page: ListedPage) => Record<string, string>;
  /** Name of the parameter that limits a page. */
  readonly limit: string;
}

/** The pagers of a bucket. */
export const pagedOperations: readonly PagedOperation[] = [
  {
    name: "ListObjects",
    element: "Contents",
    limit: "max-keys",
    first: ({ after }) => ({ marker: after }),
    next: (_, page) => ({ marker: textOf(page, "NextMarker") }),
  },
  {
    name: "ListObjectsV2",
    element: "Contents",
    limit: "max-keys",
    first: ({ after }) => ({ "list-type": "2", "start-after": after }),
    next: ({ after }, page) => ({
      "list-type": "2",
      "start-after": after,
      "continuation-token": textOf(page, "NextContinuationToken"),
    }),
  },
  {
    name: "ListObjectVersions",
    element: "Version",
    limit: "max-keys",
    first: ({ after }) => ({ versions: "", "key-marker": after }),
    next: (_, page) => ({
      versions: "",
      "key-marker": textOf(page, "NextKeyMarker"),
      "version-id-marker": readXmlText(page.text, "NextVersionIdMarker") ?? "",
    }),
  },
  {
    name: "ListMultipartUploads",
    element: "Upload",
    limit: "max-uploads",
    first: ({ after }) => ({ uploads: "", "key-marker": after }),
    next: (_, page) => ({
      uploads: "",
      "key-marker": textOf(page, "NextKeyMarker"),
      "upload-id-marker": readXmlText(page.text, "NextUploadIdMarker") ?? "",
    }),
  },
];

/** All pages of a listing of `pageSize` entries each. @throws Error when it does not end or a page is no page. */
export async function readPages(
  bucket: BucketClient,
  operation: PagedOperation,
  query: ListingQuery & { readonly pageSize: number },
): Promise<ListedPage[]> {
  const fixed = { prefix: query.prefix, delimiter: query.delimiter, [operation.limit]: String(query.pageSize) };
  const pages: ListedPage[] = [];
  for (let parameters = operation.first(query); ; ) {
    const page = await readPage(bucket, operation, { ...fixed, ...parameters });
    pages.push(page);
    if (!page.isTruncated) return pages;
    if (pages.length > 500) throw new Error(`${operation.name} does not end`);
    parameters = operation.next(query, page);
  }
}

async function readPage(
  bucket: BucketClient,
  operation: PagedOperation,
  parameters: Record<string, string>,
): Promise<ListedPage> {
  const pairs = Object.entries(parameters).filter(
    ([name, value]) => value !== "" || name === "versions" || name === "uploads",
  );
  const query = pairs.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&");
  const { status, text } = await bucket.list(query);
  if (status !== 200) throw new Error(`${operation.name} ?${query} answered ${status}: ${text}`);
  const keys = readXmlElements(text, operation.element).map((inner) => readXmlText(inner, "Key") ?? "");
  const prefixes = readXmlElements(text, "CommonPrefixes").map((inner) => readXmlText(inner, "Prefix") ?? "");
  if (sortKeys(keys).join("\n") !== keys.join("\n"))
    throw new Error(`${operation.name} is out of order: ${keys.join(", ")}`);
  return { entries: sortKeys([...keys, ...prefixes]), isTruncated: readXmlText(text, "IsTruncated") === "true", text };
}

function textOf(page: ListedPage, element: string): string {
  const [text = ""] = readXmlTexts(page.text, element);
  if (text === "") throw new Error(`A truncated page has no ${element}: ${page.text}`);
  return text;
}
