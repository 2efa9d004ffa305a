import { maxKeyBytes } from "#kernel/s3/object-key.ts";
import type { QueryParameters } from "#kernel/s3/query-parameters.ts";
import { S3Error } from "#kernel/s3/s3-error.ts";
import { encodeKey, parseEncodingType } from "#kernel/s3/url-encode-key.ts";
import { escapeXml, renderTextElement } from "#kernel/xml/write-xml.ts";
import type { ListingQuery } from "./pager.ts";

/** Most entries of a page; a request for more is cut to it. */
const maxPageEntries = 1000;

/** Parameters every listing has. */
export interface ListingParameters extends ListingQuery {
  readonly encodingType: "url" | undefined;
  /** A key-like text as it stands in the document: percent-encoded if that was asked for, then escaped. */
  readonly renderKey: (key: string) => string;
}

/**
 * Parses prefix, delimiter, encoding type and the limit.
 * @param limitName `max-keys` or `max-uploads`
 * @throws S3Error InvalidArgument (ArgumentName, ArgumentValue): a text of more than 1,024 bytes, a limit that is no whole
 * number from 0, another encoding type than `url`
 */
export function parseListingParameters(
  query: QueryParameters,
  limitName: "max-keys" | "max-uploads",
): ListingParameters {
  const encodingType = parseEncodingType(query.get("encoding-type"));
  return {
    prefix: parseKeyLike(query, "prefix") ?? "",
    delimiter: parseKeyLike(query, "delimiter") ?? "",
    limit: parseLimit(query, limitName),
    encodingType,
    renderKey: encodingType === "url" ? encodeKey : escapeXml,
  };
}

/**
 * A parameter that is compared with keys; undefined when it was not sent.
 * @throws S3Error InvalidArgument beyond 1,024 bytes of UTF-8
 */
export function parseKeyLike(query: QueryParameters, name: string): string | undefined {
  const text = query.get(name);
  if (text === undefined || Buffer.byteLength(text) <= maxKeyBytes) return text;
  throw new S3Error("InvalidArgument", {
    message: `${name} must not be longer than ${maxKeyBytes} bytes`,
    fields: { ArgumentName: name, ArgumentValue: text },
  });
}

/** Elements that repeat the parameters of a page: `Delimiter` only if there is one, `EncodingType` only if it was sent. */
export function renderParameters(parameters: ListingParameters, limitElement: "MaxKeys" | "MaxUploads"): string {
  const { prefix, delimiter, limit, encodingType } = parameters;
  return (
    renderKeyElement(parameters, "Prefix", prefix) +
    `<${limitElement}>${limit}</${limitElement}>` +
    (delimiter === "" ? "" : renderKeyElement(parameters, "Delimiter", delimiter)) +
    (encodingType === undefined ? "" : renderTextElement("EncodingType", encodingType))
  );
}

/** An element with a key-like text; nothing when there is none. */
export function renderKeyElement({ renderKey }: ListingParameters, name: string, key: string | undefined): string {
  return key === undefined ? "" : `<${name}>${renderKey(key)}</${name}>`;
}

function parseLimit(query: QueryParameters, name: string): number {
  const text = query.get(name);
  if (text === undefined) return maxPageEntries;
  if (/^(?:0|[1-9]\d{0,9})$/.test(text)) return Math.min(Number(text), maxPageEntries);
  throw new S3Error("InvalidArgument", {
    message: `Provided ${name} not an integer or within integer range`,
    fields: { ArgumentName: name, ArgumentValue: text },
  });
}
