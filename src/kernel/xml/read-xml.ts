import { S3Error } from "../s3/s3-error.ts";

/** An attribute other than a namespace declaration; `name` without prefix. */
export interface XmlAttribute {
  readonly name: string;
  readonly value: string;
}

/** An element of a document; `name` without namespace prefix. */
export interface XmlElement {
  readonly name: string;
  /** Own character data, untrimmed; white space alone is dropped when there are children. */
  readonly text: string;
  readonly attributes: readonly XmlAttribute[];
  readonly children: readonly XmlElement[];
}

/** What bounds a document. */
export interface XmlLimits {
  /** Size of the encoded document. */
  readonly maxBytes: number;
}

/** Deepest nesting of elements, the root included. */
export const maxXmlDepth = 16;
/**
 * Elements, attributes, comments and CDATA sections per document: four bytes of input make one, so the size alone would
 * bound neither memory nor work. The most that S3 needs is CompleteMultipartUpload's: 10,000 parts with number, ETag and checksums.
 */
export const maxXmlElements = 100_000;
/** Entity and character references per document: each costs far more than its bytes. 128 for each of 1,000 keys. */
export const maxXmlReferences = 128_000;
/**
 * Characters of one element's own text, or of one attribute, as they stand in the document: four times a key of 1,024
 * bytes whose every byte is a numeric reference of ten digits is more than any client writes.
 */
export const maxXmlTextChars = 16_384;
const maxAttributes = 32;

interface OpenElement {
  readonly name: string;
  readonly rawName: string;
  text: string;
  readonly attributes: readonly XmlAttribute[];
  children: OpenElement[] | readonly OpenElement[];
}

interface Reader {
  readonly document: string;
  /** Offset of the first character not read yet. */
  at: number;
  elementCount: number;
  referenceCount: number;
  root: OpenElement | undefined;
  readonly open: OpenElement[];
}

const utf8 = new TextDecoder("utf-8", { fatal: true });
const noElements: readonly OpenElement[] = [];
const noAttributes: readonly XmlAttribute[] = [];
/** Characters no document may hold unescaped. */
const forbidden = /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/;
const notBlank = /[^ \t\r\n]/;
/** From `&` to before `;`: eight digits at most. */
const longestReference = "&#x00000000".length;
const numericReference = /^&#(?:(\d+)|x([\da-fA-F]+))$/;
const namedCharacters = new Map([
  ["&amp", "&"],
  ["&lt", "<"],
  ["&gt", ">"],
  ["&quot", '"'],
  ["&apos", "'"],
]);
const declaration =
  /^<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(?:"1\.\d"|'1\.\d')(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*["'](?:utf-?8|us-ascii)["'])?(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*["'](?:yes|no)["'])?[ \t\r\n]*\?>/i;
const attribute =
  /[ \t\r\n]+([A-Za-z_:\x80-\uffff][\w.:\-\x80-\uffff]*)[ \t\r\n]*=[ \t\r\n]*(?:"([^<"]*)"|'([^<']*)')/y;
const tagEnd = /[ \t\r\n]*(\/?)>/y;

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const slash = 0x2f;
const greater = 0x3e;
const nameStart = 1;
const nameInner = 2;
const nameTable = makeNameTable();

/**
 * Reads a UTF-8 document into a tree. Takes comments, CDATA, the five named entities and numeric references (those of
 * control characters too: keys may hold them). No DTD, no own entities, no processing instruction but the declaration.
 * @throws S3Error MaxMessageLengthExceeded beyond `limits.maxBytes`; MalformedXML for all that is not well formed, deeper
 * than `maxXmlDepth` or longer than `maxXmlElements`.
 * Source: W3C Extensible Markup Language 1.0 (Fifth Edition), Namespaces in XML 1.0.
 */
export function readXml(bytes: Uint8Array, limits: XmlLimits): XmlElement {
  if (bytes.length > limits.maxBytes) throw new S3Error("MaxMessageLengthExceeded");
  const document = decode(bytes);
  const reader: Reader = {
    document,
    at: findBody(document),
    elementCount: 0,
    referenceCount: 0,
    root: undefined,
    open: [],
  };
  for (;;) {
    const tagAt = document.indexOf("<", reader.at);
    addText(reader, tagAt === -1 ? document.length : tagAt);
    if (tagAt === -1) break;
    const next = document.charCodeAt(tagAt + 1);
    if (next === slash) readEndTag(reader, tagAt);
    else if (next === 0x21) readCommentOrData(reader, tagAt);
    else readStartTag(reader, tagAt);
  }
  if (reader.root === undefined || reader.open.length > 0) throw malformed();
  return reader.root;
}

function decode(bytes: Uint8Array): string {
  let document: string;
  try {
    document = utf8.decode(endLinesWithLf(bytes));
  } catch {
    throw malformed();
  }
  if (forbidden.test(document)) throw malformed();
  return document;
}

/**
 * The document with LF for CR LF and for CR alone, before references are expanded, so that `&#13;` stays a CR. Byte by byte:
 * replacing eight million of them in text takes most of a second.
 * Source: XML 1.0, section 2.11.
 */
function endLinesWithLf(bytes: Uint8Array): Uint8Array {
  if (!bytes.includes(carriageReturn)) return bytes;
  const ended = new Uint8Array(bytes.length);
  let length = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] ?? 0;
    if (byte === carriageReturn && bytes[i + 1] === lineFeed) continue;
    ended[length++] = byte === carriageReturn ? lineFeed : byte;
  }
  return ended.subarray(0, length);
}

/** The offset after the XML declaration. */
function findBody(document: string): number {
  if (!document.startsWith("<?")) return 0;
  const match = declaration.exec(document.slice(0, 256));
  if (match === null) throw malformed();
  return match[0].length;
}

function addText(reader: Reader, end: number): void {
  if (end === reader.at) return;
  const raw = reader.document.slice(reader.at, end);
  reader.at = end;
  const parent = reader.open[reader.open.length - 1];
  if (parent === undefined) {
    if (notBlank.test(raw)) throw malformed();
    return;
  }
  if (parent.children.length > 0 && !notBlank.test(raw)) return;
  appendText(parent, expandText(reader, raw));
}

/** Long text is refused before anything is done with it; blanks between elements are text of their parent until a child comes. */
function appendText(parent: OpenElement, text: string): void {
  if (parent.text.length + text.length > maxXmlTextChars) throw malformed();
  parent.text += text;
}

function expandText(reader: Reader, raw: string): string {
  if (raw.length > maxXmlTextChars) throw malformed();
  let at = raw.indexOf("&");
  if (at === -1) return raw;
  let text = "";
  let done = 0;
  for (; at !== -1; at = raw.indexOf("&", done)) {
    const end = raw.indexOf(";", at + 2);
    reader.referenceCount++;
    if (end === -1 || end - at > longestReference || reader.referenceCount > maxXmlReferences) throw malformed();
    text += raw.slice(done, at) + expandReference(raw.slice(at, end));
    done = end + 1;
  }
  return text + raw.slice(done);
}

/** @param reference from `&` to before `;` */
function expandReference(reference: string): string {
  const named = namedCharacters.get(reference);
  if (named !== undefined) return named;
  const digits = numericReference.exec(reference);
  if (digits === null) throw malformed();
  const codePoint = digits[1] === undefined ? Number.parseInt(digits[2] ?? "", 16) : Number(digits[1]);
  if (codePoint > 0x10ffff || (codePoint >= 0xd800 && codePoint <= 0xdfff)) throw malformed();
  return String.fromCodePoint(codePoint);
}

function readStartTag(reader: Reader, tagAt: number): void {
  const { document, open } = reader;
  const nameEnd = findNameEnd(document, tagAt + 1);
  const rawName = document.slice(tagAt + 1, nameEnd);
  let attributes = noAttributes;
  let isEmpty = false;
  if (document.charCodeAt(nameEnd) === greater) {
    reader.at = nameEnd + 1;
  } else {
    attributes = readAttributes(reader, nameEnd);
    tagEnd.lastIndex = reader.at;
    const end = tagEnd.exec(document);
    if (end === null) throw malformed();
    isEmpty = end[1] === "/";
    reader.at = tagEnd.lastIndex;
  }
  countElement(reader);
  if (open.length >= maxXmlDepth) throw malformed();
  const element: OpenElement = { name: stripPrefix(rawName), rawName, text: "", attributes, children: noElements };
  const parent = open[open.length - 1];
  if (parent !== undefined) addChild(parent, element);
  else if (reader.root === undefined) reader.root = element;
  else throw malformed();
  if (!isEmpty) open.push(element);
}

function countElement(reader: Reader): void {
  reader.elementCount++;
  if (reader.elementCount > maxXmlElements) throw malformed();
}

function addChild(parent: OpenElement, child: OpenElement): void {
  if (parent.children === noElements) {
    parent.children = [child];
    if (!notBlank.test(parent.text)) parent.text = "";
  } else {
    (parent.children as OpenElement[]).push(child);
  }
}

function findNameEnd(document: string, start: number): number {
  if (((nameTable[document.charCodeAt(start)] ?? nameStart) & nameStart) === 0 || start >= document.length) {
    throw malformed();
  }
  let end = start + 1;
  while (end < document.length && ((nameTable[document.charCodeAt(end)] ?? nameInner) & nameInner) !== 0) end++;
  return end;
}

function readAttributes(reader: Reader, start: number): readonly XmlAttribute[] {
  reader.at = start;
  const found: XmlAttribute[] = [];
  const seen = new Set<string>();
  attribute.lastIndex = start;
  for (;;) {
    const match = attribute.exec(reader.document);
    if (match === null) return found.length === 0 ? noAttributes : found;
    reader.at = attribute.lastIndex;
    const rawName = match[1] ?? "";
    if (seen.has(rawName) || seen.size === maxAttributes) throw malformed();
    seen.add(rawName);
    countElement(reader);
    const value = expandText(reader, match[2] ?? match[3] ?? "");
    if (rawName !== "xmlns" && !rawName.startsWith("xmlns:")) found.push({ name: stripPrefix(rawName), value });
  }
}

function readEndTag(reader: Reader, tagAt: number): void {
  const element = reader.open.pop();
  if (element === undefined || !reader.document.startsWith(element.rawName, tagAt + 2)) throw malformed();
  const nameEnd = tagAt + 2 + element.rawName.length;
  if (reader.document.charCodeAt(nameEnd) === greater) {
    reader.at = nameEnd + 1;
    return;
  }
  tagEnd.lastIndex = nameEnd;
  const end = tagEnd.exec(reader.document);
  if (end === null || end[1] === "/") throw malformed();
  reader.at = tagEnd.lastIndex;
}

/** `<!` starts a comment or CDATA; everything else that starts so belongs to a DTD. */
function readCommentOrData(reader: Reader, tagAt: number): void {
  const { document } = reader;
  countElement(reader);
  if (document.startsWith("<!--", tagAt)) {
    const end = document.indexOf("--", tagAt + 4);
    if (end === -1 || document.charCodeAt(end + 2) !== greater) throw malformed();
    reader.at = end + 3;
    return;
  }
  const parent = reader.open[reader.open.length - 1];
  const end = document.indexOf("]]>", tagAt + 9);
  if (!document.startsWith("<![CDATA[", tagAt) || end === -1 || parent === undefined) throw malformed();
  if (end - tagAt - 9 > maxXmlTextChars) throw malformed();
  appendText(parent, document.slice(tagAt + 9, end));
  reader.at = end + 3;
}

function stripPrefix(rawName: string): string {
  const colonAt = rawName.indexOf(":");
  if (colonAt === -1) return rawName;
  const name = rawName.slice(colonAt + 1);
  if (colonAt === 0 || name === "" || name.includes(":")) throw malformed();
  return name;
}

/** Flags of ASCII characters; those above may stand anywhere in a name. */
function makeNameTable(): Uint8Array {
  const table = new Uint8Array(128);
  for (let code = 0; code < 128; code++) {
    const character = String.fromCharCode(code);
    if (/[A-Za-z_:]/.test(character)) table[code] = nameStart | nameInner;
    else if (/[0-9.-]/.test(character)) table[code] = nameInner;
  }
  return table;
}

function malformed(): S3Error {
  return new S3Error("MalformedXML");
}
