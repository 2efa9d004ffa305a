import { expect, test } from "bun:test";
import fc from "fast-check";
import { readXml } from "./read-xml.ts";
import { escapeXml, renderElement, renderOptionalElement, renderTextElement, renderXmlDocument } from "./write-xml.ts";

test("escapeXml: markup by name, control characters by number", () => {
  expect(escapeXml("plain 日本 '")).toBe("plain 日本 '");
  expect(escapeXml('<a b="c">&\r\n\t\0\x7f')).toBe("&lt;a b=&quot;c&quot;&gt;&amp;&#13;&#10;&#9;&#0;&#127;");
});

test("escapeXml: reads back as it was", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary" }).filter((text) => !/[\ufffe\uffff]/.test(text)),
      (text) => {
        const bytes = new TextEncoder().encode(renderTextElement("a", text));
        expect(readXml(bytes, { maxBytes: 1_000_000 }).text).toBe(text);
      },
    ),
    { seed: 20260102 },
  );
});

test("renderXmlDocument: namespace on every root but Error", () => {
  expect(renderXmlDocument("R", renderElement("P", renderTextElement("N", 1) + renderTextElement("T", true)))).toBe(
    '<?xml version="1.0" encoding="UTF-8"?>\n<R xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><P><N>1</N><T>true</T></P></R>',
  );
  expect(renderXmlDocument("Error", "")).toBe('<?xml version="1.0" encoding="UTF-8"?>\n<Error></Error>');
});

test("renderOptionalElement: nothing without a value, an empty element for the empty text", () => {
  expect(renderOptionalElement("A", undefined)).toBe("");
  expect(renderOptionalElement("A", "")).toBe("<A></A>");
  expect(renderOptionalElement("A", 0)).toBe("<A>0</A>");
});
