import { S3Error } from "../s3/s3-error.ts";
import { readXml, type XmlElement } from "./read-xml.ts";

/** Largest body of DeleteObjects and CompleteMultipartUpload. */
export const maxLargeXmlBytes = 8 * 1024 * 1024;
/** Largest body of every other XML document. */
export const maxXmlBytes = 4 * 1024 * 1024;

/**
 * Reads a document whose root has this name.
 * @throws S3Error as `readXml`; MalformedXML when the root has another name.
 */
export function readRoot(bytes: Uint8Array, name: string, maxBytes: number): XmlElement {
  const root = readXml(bytes, { maxBytes });
  if (root.name !== name) throw new S3Error("MalformedXML");
  return root;
}

/**
 * The only child of that name; undefined when there is none.
 * @throws S3Error MalformedXML when there are several.
 */
export function findChild(element: XmlElement, name: string): XmlElement | undefined {
  let found: XmlElement | undefined;
  for (const child of element.children) {
    if (child.name !== name) continue;
    if (found !== undefined) throw new S3Error("MalformedXML");
    found = child;
  }
  return found;
}

/**
 * The text of the only child of that name, untrimmed; undefined when there is none.
 * @throws S3Error MalformedXML when there are several, or when it has children.
 */
export function readOptionalText(element: XmlElement, name: string): string | undefined {
  const child = findChild(element, name);
  if (child === undefined) return undefined;
  if (child.children.length > 0) throw new S3Error("MalformedXML");
  return child.text;
}

/**
 * The text of the only child of that name, untrimmed.
 * @throws S3Error MalformedXML when there is none, when there are several, or when it has children.
 */
export function readText(element: XmlElement, name: string): string {
  const text = readOptionalText(element, name);
  if (text === undefined) throw new S3Error("MalformedXML");
  return text;
}

/**
 * The boolean in the only child of that name (`true`, `false`, `1`, `0` in any case); false when there is none.
 * @throws S3Error MalformedXML for any other text.
 * Source: W3C XML Schema Part 2, section 3.2.2.
 */
export function readBoolean(element: XmlElement, name: string): boolean {
  const text = readOptionalText(element, name)?.trim().toLowerCase();
  if (text === undefined || text === "false" || text === "0") return false;
  if (text === "true" || text === "1") return true;
  throw new S3Error("MalformedXML");
}
