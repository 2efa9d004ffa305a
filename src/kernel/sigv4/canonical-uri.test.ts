import { expect, test } from "bun:test";
import fc from "fast-check";
import { canonicalPath, decodeCanonicalComponent, parseCanonicalQuery, renderCanonicalQuery } from "./canonical-uri.ts";

const canonicalQuery = (rawQuery: string) => renderCanonicalQuery(parseCanonicalQuery(rawQuery), true);

test("canonicalPath: encodes all but A-Za-z0-9-._~/ after decoding once", () => {
  const cases: readonly (readonly [raw: string, canonical: string])[] = [
    ["", "/"],
    ["/", "/"],
    ["/b/key-1_x.~y", "/b/key-1_x.~y"],
    ["/b/test$file.text", "/b/test%24file.text"],
    ["/b/test%24file.text", "/b/test%24file.text"],
    ["/b/%41%2d", "/b/A-"],
    ["/b/a%2fb", "/b/a/b"],
    ["/b/a+b", "/b/a%2Bb"],
    ["/b/%c3%a9", "/b/%C3%A9"],
    ["/b/%C3%A9", "/b/%C3%A9"],
    ["/b//../x/./", "/b//../x/./"],
    ["/b/%2525", "/b/%2525"],
    ["/b/100%", "/b/100%25"],
    ["/b/%zz", "/b/%25zz"],
    ["/b/%7E", "/b/~"],
    ["/b/\u00e9", "/b/%E9"],
  ];
  for (const [raw, canonical] of cases) expect(canonicalPath(raw)).toBe(canonical);
});

test("canonicalPath: is idempotent and equals encoding of the decoded bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.boolean(), (bytes, upper) => {
      const hex = Buffer.from(bytes).toString("hex").replace(/../g, "%$&");
      const canonical = canonicalPath(`/${upper ? hex.toUpperCase() : hex}`);
      expect(canonicalPath(canonical)).toBe(canonical);
      expect(decodeCanonicalComponent(canonical)).toBe(`/${Buffer.from(bytes).toString("latin1")}`);
    }),
  );
});

test("canonicalPath: the fast test accepts exactly the canonical texts", () => {
  for (let byte = 0; byte < 256; byte++) {
    const escaped = `%${byte.toString(16).padStart(2, "0").toUpperCase()}`;
    const literal = /[A-Za-z0-9\-._~/]/.test(String.fromCharCode(byte));
    expect(canonicalPath(`/${escaped}`)).toBe(literal ? `/${String.fromCharCode(byte)}` : `/${escaped}`);
    const [parameter] = parseCanonicalQuery(escaped);
    expect(parameter?.name).toBe(literal && byte !== 0x2f ? String.fromCharCode(byte) : escaped);
  }
});

test("renderCanonicalQuery: sorts by encoded name, then value", () => {
  expect(canonicalQuery("b=2&a=2&a=1&B=0")).toBe("B=0&a=1&a=2&b=2");
  expect(canonicalQuery("a-b=1&a=2")).toBe("a=2&a-b=1");
  expect(canonicalQuery("prefix=J&max-keys=2")).toBe("max-keys=2&prefix=J");
});

test("renderCanonicalQuery: a bare name equals an empty value, empty segments are skipped", () => {
  expect(canonicalQuery("uploads")).toBe("uploads=");
  expect(canonicalQuery("uploads=")).toBe("uploads=");
  expect(canonicalQuery("&&uploads&")).toBe("uploads=");
  expect(canonicalQuery("a=b=c")).toBe("a=b%3Dc");
});

test("renderCanonicalQuery: a raw slash or space is encoded, a plus is a space", () => {
  expect(canonicalQuery("prefix=a/b c+d")).toBe("prefix=a%2Fb%20c%20d");
  expect(canonicalQuery("prefix=a%2fb%20c%2Bd")).toBe("prefix=a%2Fb%20c%2Bd");
});

test("renderCanonicalQuery: leaves out the signature only when asked", () => {
  expect(canonicalQuery("X-Amz-Signature=1&a=2")).toBe("a=2");
  expect(canonicalQuery("X%2DAmz-Signature=1&a=2")).toBe("a=2");
  expect(renderCanonicalQuery(parseCanonicalQuery("X-Amz-Signature=1&a=2"), false)).toBe("X-Amz-Signature=1&a=2");
});
