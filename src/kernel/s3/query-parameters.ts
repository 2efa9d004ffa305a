import { decodeKeyBytes } from "./object-key.ts";
import { S3Error } from "./s3-error.ts";

/** Most parameters in one query; presigned URLs of JavaScript SDKs carry metadata here, one parameter per entry. */
export const maxQueryParameters = 256;

/** Decoded parameters of a query string, in the order of the request. Names keep their case; none occurs twice. */
export interface QueryParameters {
  readonly names: readonly string[];
  /** The value, empty for `?name` and `?name=` alike; undefined when the parameter is absent. */
  get(name: string): string | undefined;
  has(name: string): boolean;
}

/** The one parameter clients repeat on purpose: each kind of event listened for. Its values are joined with `,`. */
const repeatableParameter = "events";

const needsDecoding = /[%+\x80-\uffff]/;
const highByte = /[\x80-\uffff]/;
const plus = /\+/g;

/** The parameters of every request without a query. */
export const emptyQuery: QueryParameters = queryParameters([], []);

/**
 * Parses the part of a URL after `?`. Names and values are percent-decoded once. A raw `+` is a space, as in a form and
 * as AWS reads queries (keys differ: there `+` stays `+`); clients send a plus as `%2B`. Empty items (`a&&b`) are skipped.
 * A signature is computed over the raw query, never over this.
 * @throws S3Error InvalidURI on an incomplete escape or bytes that are no UTF-8; InvalidArgument (ArgumentName,
 * ArgumentValue) on a repeated parameter, and beyond `maxQueryParameters`.
 * Source: RFC 3986 section 3.4; https://url.spec.whatwg.org/#urlencoded-parsing
 */
export function parseQuery(rawQuery: string): QueryParameters {
  if (rawQuery.length === 0) return emptyQuery;
  const encoded = needsDecoding.test(rawQuery);
  const names: string[] = [];
  const values: string[] = [];
  let start = 0;
  while (start <= rawQuery.length) {
    const ampersand = rawQuery.indexOf("&", start);
    const end = ampersand < 0 ? rawQuery.length : ampersand;
    if (end > start) {
      const item = rawQuery.slice(start, end);
      const equals = item.indexOf("=");
      const name = equals < 0 ? item : item.slice(0, equals);
      const value = equals < 0 ? "" : item.slice(equals + 1);
      if (encoded) addParameter(names, values, { name: decode(name), value: decode(value) });
      else addParameter(names, values, { name, value });
    }
    start = end + 1;
  }
  return names.length === 0 ? emptyQuery : queryParameters(names, values);
}

function addParameter(names: string[], values: string[], { name, value }: { name: string; value: string }): void {
  const earlier = names.indexOf(name);
  if (earlier < 0) {
    if (names.length === maxQueryParameters) throw tooMany(name, value);
    names.push(name);
    values.push(value);
    return;
  }
  if (name !== repeatableParameter) throw repeated(name, value);
  values[earlier] = `${values[earlier]},${value}`;
}

function decode(text: string): string {
  if (!needsDecoding.test(text)) return text;
  const spaced = text.includes("+") ? text.replace(plus, "%20") : text;
  if (highByte.test(spaced)) return decodeKeyBytes(spaced);
  try {
    return decodeURIComponent(spaced);
  } catch {
    throw new S3Error("InvalidURI");
  }
}

function queryParameters(names: readonly string[], values: readonly string[]): QueryParameters {
  return {
    names,
    get(name) {
      const index = names.indexOf(name);
      return index < 0 ? undefined : values[index];
    },
    has(name) {
      return names.includes(name);
    },
  };
}

function repeated(name: string, value: string): S3Error {
  return new S3Error("InvalidArgument", {
    message: "A query parameter must not be repeated",
    fields: { ArgumentName: name, ArgumentValue: value },
  });
}

function tooMany(name: string, value: string): S3Error {
  return new S3Error("InvalidArgument", {
    message: `More than ${maxQueryParameters} query parameters`,
    fields: { ArgumentName: name, ArgumentValue: value },
  });
}
