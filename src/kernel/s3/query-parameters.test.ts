import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { emptyQuery, maxQueryParameters, parseQuery } from "./query-parameters.ts";
import { S3Error } from "./s3-error.ts";

function refusal(rawQuery: string): S3Error {
  try {
    parseQuery(rawQuery);
  } catch (error) {
    if (error instanceof S3Error) return error;
    throw error;
  }
  throw new Error(`?${rawQuery} was not refused`);
}

describe("parseQuery", () => {
  test("parseQuery: no query and empty items are the shared empty value", () => {
    expect(parseQuery("")).toBe(emptyQuery);
    expect(parseQuery("&&")).toBe(emptyQuery);
    expect(emptyQuery.names).toEqual([]);
    expect(emptyQuery.has("")).toBe(false);
    expect(emptyQuery.get("x")).toBeUndefined();
  });

  test("parseQuery: name alone and name with = are the same, names keep order and case", () => {
    const query = parseQuery("uploads&Prefix=&prefix=a=b&&x");
    expect(query.names).toEqual(["uploads", "Prefix", "prefix", "x"]);
    expect(query.get("uploads")).toBe("");
    expect(query.get("Prefix")).toBe("");
    expect(query.get("prefix")).toBe("a=b");
    expect(query.has("PREFIX")).toBe(false);
  });

  test("parseQuery: percent escapes are decoded once in names and values, + is a space, %2B a plus", () => {
    const query = parseQuery("pre%66ix=a%2Fb%252F&delimiter=+%2B%20&marker=%C3%A9%00");
    expect(query.get("prefix")).toBe("a/b%2F");
    expect(query.get("delimiter")).toBe(" + ");
    expect(query.get("marker")).toBe("é\0");
  });

  test("parseQuery: an escaped & or = does not split", () => {
    expect(parseQuery("prefix=a%26b%3Dc&max-keys=1").names).toEqual(["prefix", "max-keys"]);
    expect(parseQuery("prefix=a%26b%3Dc").get("prefix")).toBe("a&b=c");
  });

  test("parseQuery: raw bytes above 0x7f are read as UTF-8", () => {
    expect(parseQuery("prefix=\xc3\xa9").get("prefix")).toBe("é");
  });

  test("parseQuery: broken escapes and bytes that are no UTF-8 are InvalidURI", () => {
    for (const text of ["%", "%4", "%zz", "%ff", "%c0%af", "%ed%a0%80", "%c3", "\xff"]) {
      expect(refusal(`prefix=${text}`).code).toBe("InvalidURI");
      expect(refusal(`${text}=1`).code).toBe("InvalidURI");
    }
  });

  test("parseQuery: a repeated parameter is InvalidArgument with its name and value, also in disguise", () => {
    for (const rawQuery of ["prefix=a&prefix=b", "prefix=a&pref%69x=b", "prefix&acl&prefix=b"]) {
      const error = refusal(rawQuery);
      expect(error.code).toBe("InvalidArgument");
      expect(error.fields).toEqual({ ArgumentName: "prefix", ArgumentValue: "b" });
    }
    expect(refusal("acl&acl").code).toBe("InvalidArgument");
  });

  test("parseQuery: events alone may repeat, its values join", () => {
    const query = parseQuery("events=s3:ObjectCreated:*&prefix=a&events=s3%3AObjectRemoved%3A*");
    expect(query.names).toEqual(["events", "prefix"]);
    expect(query.get("events")).toBe("s3:ObjectCreated:*,s3:ObjectRemoved:*");
  });

  test("parseQuery: maxQueryParameters parameters are taken, one more is InvalidArgument", () => {
    const items = Array.from({ length: maxQueryParameters }, (_, index) => `p${index}=1`);
    expect(parseQuery(items.join("&")).names).toHaveLength(maxQueryParameters);
    expect(refusal([...items, "q=1"].join("&")).code).toBe("InvalidArgument");
  });

  test("parseQuery: what encodeURIComponent wrote comes back", () => {
    const text = fc.string({ unit: "grapheme" });
    const name = text.filter((value) => value !== "events");
    const entries = fc.uniqueArray(fc.tuple(name, text), { selector: ([key]) => key, maxLength: 20 });
    fc.assert(
      fc.property(entries, (pairs) => {
        const rawQuery = pairs.map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`);
        const query = parseQuery(rawQuery.join("&"));
        expect(query.names).toEqual(pairs.map(([key]) => key));
        for (const [key, value] of pairs) expect(query.get(key)).toBe(value);
      }),
    );
  });

  test("parseQuery: any bytes give parameters or an S3Error, and agree with URLSearchParams", () => {
    const byte = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code));
    const piece = fc.oneof(fc.constantFrom("%", "&", "=", "+", "%41", "%c3%a9", "a", "b"), byte);
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const rawQuery = pieces.join("");
        try {
          const query = parseQuery(rawQuery);
          const escaped = rawQuery.replace(/[\x80-\xff]/g, (byteText) => `%${byteText.charCodeAt(0).toString(16)}`);
          const expected = [...new URLSearchParams(`?${escaped}`)];
          expect(query.names.map((name) => [name, query.get(name)])).toEqual(expected);
        } catch (error) {
          if (!(error instanceof S3Error)) throw error;
          expect(["InvalidURI", "InvalidArgument"]).toContain(error.code);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
