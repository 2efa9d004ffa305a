import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { S3Error } from "../s3/s3-error.ts";
import {
  maxXmlDepth,
  maxXmlElements,
  maxXmlReferences,
  maxXmlTextChars,
  readXml,
  type XmlElement,
} from "./read-xml.ts";
import { escapeXml } from "./write-xml.ts";

const limits = { maxBytes: 4 * 1024 * 1024 };
const malformed = expect.objectContaining({ code: "MalformedXML", status: 400 });

function read(document: string): XmlElement {
  return readXml(new TextEncoder().encode(document), limits);
}

interface Tree {
  readonly name: string;
  readonly text: string;
  readonly children: readonly Tree[];
}

/** Name, text and children in short form. */
function outline(element: XmlElement): unknown {
  return element.children.length === 0
    ? [element.name, element.text]
    : [element.name, ...element.children.map(outline)];
}

test("readXml: elements, text and white space", () => {
  expect(outline(read("<a>\n  <b> x </b>\r\n  <c/><d ></d >\n</a>\n"))).toEqual([
    "a",
    ["b", " x "],
    ["c", ""],
    ["d", ""],
  ]);
  expect(read("<a>\n  <b/>\n</a>").text).toBe("");
  expect(read("<a> x <b/> y </a>").text).toBe(" x  y ");
});

test("readXml: declaration, byte order mark and comments are skipped", () => {
  for (const head of [
    '<?xml version="1.0"?>',
    "<?xml version='1.0' encoding='utf-8' standalone='yes' ?>\n",
    '\ufeff<?xml version="1.0" encoding="UTF-8"?>',
  ]) {
    expect(outline(read(`${head}<!-- <x> --><a>1<!-- - -->2</a><!---->`))).toEqual(["a", "12"]);
  }
});

test("readXml: CDATA is text", () => {
  expect(read("<a>x<![CDATA[<b>&amp;]]]]><![CDATA[>]]></a>").text).toBe("x<b>&amp;]]>");
});

test("readXml: named and numeric references, those of control characters too", () => {
  expect(read("<a>&lt;&gt;&amp;&quot;&apos;&#65;&#x42;&#x1F600;&#13;&#0;&#x1;</a>").text).toBe("<>&\"'AB😀\r\0\x01");
  expect(read("<a>&amp;lt;</a>").text).toBe("&lt;");
});

test("readXml: line ends become LF, escaped CR stays", () => {
  expect(read("<a>1\r\n2\r3&#13;&#10;4</a>").text).toBe("1\n2\n3\r\n4");
  expect(read("<a>\r\r\n<![CDATA[\r\n\r]]></a>\r").text).toBe("\n\n\n\n");
  expect(read('<a b="1\r\n2\r"/>').attributes[0]?.value).toBe("1\n2\n");
});

test("readXml: prefixes and namespace declarations go, other attributes stay", () => {
  const root = read('<s3:a xmlns:s3="u" xmlns="v"><s3:g xsi:type="C &amp; \'D\'" x = \'"\'/></s3:a>');
  expect(root.name).toBe("a");
  expect(root.attributes).toEqual([]);
  expect(root.children[0]?.attributes).toEqual([
    { name: "type", value: "C & 'D'" },
    { name: "x", value: '"' },
  ]);
});

describe("malformed documents", () => {
  const documents = [
    "",
    " ",
    "x",
    "<a>",
    "</a>",
    "<a></b>",
    "<ab></a>",
    "<a></ab>",
    "<a><b></a></b>",
    "<a/><b/>",
    "<a/>x",
    "x<a/>",
    "<a",
    "<a b",
    "<a b=>",
    "<a b=c/>",
    '<a b="1" b="2"/>',
    '<a b="1"c="2"/>',
    '<a b="<"/>',
    '<a b="1/>',
    "< a/>",
    "<1/>",
    "<>",
    "<a / >",
    "</a/>",
    "<a></a/>",
    "<:a/>",
    "<a:/>",
    "<a:b:c/>",
    "<a>&nbsp;</a>",
    "<a>&</a>",
    "<a>&#;</a>",
    "<a>&#x110000;</a>",
    "<a>&#xD800;</a>",
    "<a>&#-1;</a>",
    "<a>\x01</a>",
    "<a>\0</a>",
    "<a><!-- -- --></a>",
    "<a><!-- </a>",
    "<a><![CDATA[</a>",
    "<![CDATA[x]]><a/>",
    "<a><![cdata[x]]></a>",
    "<?xml version='1.0' encoding='UTF-16'?><a/>",
    "<?xml encoding='UTF-8'?><a/>",
    "<?xml version='2.0'?><a/>",
    "<?php x?><a/>",
    "<a><?pi x?></a>",
    "<a/><?pi x?>",
    " <?xml version='1.0'?><a/>",
    "<!DOCTYPE a><a/>",
    '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
    '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
    "<a><!DOCTYPE b></a>",
    "<a><!ELEMENT b></a>",
  ];
  for (const document of documents) {
    test(`readXml: MalformedXML for ${JSON.stringify(document)}`, () =>
      expect(() => read(document)).toThrow(malformed));
  }
});

test("readXml: bytes that are no UTF-8 are MalformedXML", () => {
  for (const bytes of [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xe6, 0x97]]) {
    expect(() => readXml(new Uint8Array([0x3c, 0x61, 0x3e, ...bytes, 0x3c, 0x2f, 0x61, 0x3e]), limits)).toThrow(
      malformed,
    );
  }
  expect(() => readXml(new Uint8Array([0xfe, 0xff, 0, 0x3c]), limits)).toThrow(malformed);
});

test("readXml: size limit on both sides", () => {
  const bytes = new TextEncoder().encode("<a>1234</a>");
  expect(readXml(bytes, { maxBytes: bytes.length }).text).toBe("1234");
  expect(() => readXml(bytes, { maxBytes: bytes.length - 1 })).toThrow(
    expect.objectContaining({ code: "MaxMessageLengthExceeded" }),
  );
});

test("readXml: depth limit on both sides", () => {
  const nest = (depth: number) => "<a>".repeat(depth) + "</a>".repeat(depth);
  expect(read(nest(maxXmlDepth)).name).toBe("a");
  expect(() => read(nest(maxXmlDepth + 1))).toThrow(malformed);
  expect(() => read("<a>".repeat(1_000_000))).toThrow(malformed);
});

test("readXml: element limit on both sides", () => {
  const fill = (count: number) => `<a>${"<b/>".repeat(count - 1)}</a>`;
  expect(read(fill(maxXmlElements)).children).toHaveLength(maxXmlElements - 1);
  expect(() => read(fill(maxXmlElements + 1))).toThrow(malformed);
});

test("readXml: text limit on both sides, in elements, CDATA and attributes, in one piece and in several", () => {
  const full = "x".repeat(maxXmlTextChars);
  expect(read(`<a>${full}</a>`).text).toHaveLength(maxXmlTextChars);
  expect(read(`<a><![CDATA[${full}]]></a>`).text).toHaveLength(maxXmlTextChars);
  expect(read(`<a b="${full}"/>`).attributes[0]?.value).toHaveLength(maxXmlTextChars);
  for (const document of [
    `<a>${full}x</a>`,
    `<a>${full}<!-- -->x</a>`,
    `<a><![CDATA[${full}x]]></a>`,
    `<a><![CDATA[${full}]]>x</a>`,
    `<a b="${full}x"/>`,
    `<a>${"&#1;".repeat(maxXmlTextChars / 4)}&#1;</a>`,
  ])
    expect(() => read(document)).toThrow(malformed);
  expect(read(`<a>${"&#x00000001;".repeat(1_024)}</a>`).text).toBe("\x01".repeat(1_024));
});

test("readXml: reference limit on both sides", () => {
  const fill = (count: number) =>
    `<a>${`<b>${"&lt;".repeat(1_000)}</b>`.repeat(count / 1_000)}${"&lt;".repeat(count % 1_000)}</a>`;
  expect(read(fill(maxXmlReferences)).children).toHaveLength(maxXmlReferences / 1_000);
  expect(() => read(fill(maxXmlReferences + 1))).toThrow(malformed);
});

test("readXml: attributes count as elements", () => {
  const fill = (count: number) => `<a>${'<b c=""/>'.repeat(count)}</a>`;
  expect(read(fill((maxXmlElements - 2) / 2)).children).toHaveLength((maxXmlElements - 2) / 2);
  expect(() => read(fill(maxXmlElements / 2))).toThrow(malformed);
});

test("readXml: comments and CDATA sections count as elements", () => {
  for (const mark of ["<!---->", "<![CDATA[]]>"]) {
    const fill = (count: number) => `<a>${mark.repeat(count)}</a>`;
    expect(read(fill(maxXmlElements - 1)).text).toBe("");
    expect(() => read(fill(maxXmlElements))).toThrow(malformed);
  }
});

test("readXml: hostile sizes are refused (a quadratic scan would outlast the test)", () => {
  const many = 500_000;
  for (const document of [
    `<a ${"b ".repeat(many)}/>`,
    `<a b="${"x".repeat(many)}`,
    `<a>${"&".repeat(many)}</a>`,
    `<a>${"<!--".repeat(many)}</a>`,
    `<a${" ".repeat(many)}`,
    `<a>${"]".repeat(many)}</a`,
    `<?xml ${" ".repeat(many)}`,
    `<a>${"<![CDATA[".repeat(many / 2)}`,
  ]) {
    expect(() => read(document)).toThrow(S3Error);
  }
});

test("readXml: reads back any tree that was written", () => {
  const name = fc.constantFrom("a", "Key", "x-1", "é", "n:b");
  const text = fc.string({ unit: "binary", maxLength: 8 }).filter((value) => !/[\ufffe\uffff]/.test(value));
  const tree = fc.letrec<{ tree: Tree }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      fc.record({ name, text, children: fc.constant<Tree[]>([]) }),
      fc.record({ name, text: fc.constant(""), children: fc.array(tie("tree"), { minLength: 1, maxLength: 4 }) }),
    ),
  })).tree;
  const write = (node: Tree): string =>
    `<${node.name}>${escapeXml(node.text)}${node.children.map(write).join("\n")}</${node.name}>`;
  const expected = (node: Tree): unknown => {
    const plainName = node.name.replace("n:", "");
    return node.children.length === 0 ? [plainName, node.text] : [plainName, ...node.children.map(expected)];
  };
  fc.assert(
    fc.property(tree, (value) => {
      expect(outline(read(write(value)))).toEqual(expected(value));
    }),
    { seed: 20260102, numRuns: 500 },
  );
});

test("readXml: arbitrary input gives a tree or an S3 error, nothing else", () => {
  const piece = fc.constantFrom(
    "<a>",
    "</a>",
    "<a/>",
    "<b x='1'>",
    "</b>",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "&amp;",
    "&#65;",
    "&",
    "<",
    ">",
    '"',
    "'",
    "=",
    " ",
    "x",
    "<?xml version='1.0'?>",
    "<!DOCTYPE a>",
    "\0",
    "é",
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.array(piece).map((pieces) => new TextEncoder().encode(pieces.join(""))),
        fc.uint8Array(),
      ),
      (bytes) => {
        try {
          expect(readXml(bytes, limits).name).not.toBe("");
        } catch (error) {
          expect(error).toMatchObject({ code: "MalformedXML" });
        }
      },
    ),
    { seed: 20260102, numRuns: 5000 },
  );
});
