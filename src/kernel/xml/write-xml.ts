/** The namespace of every root element but `Error`. */
export const s3Namespace = "http://s3.amazonaws.com/doc/2006-03-01/";

const declaration = '<?xml version="1.0" encoding="UTF-8"?>\n';
const special = /[&<>"\x00-\x1f\x7f-\x9f]/;
const controls = /[\x00-\x1f\x7f-\x9f]/g;

/**
 * Text made safe for content and attribute values: `& < > "` by name (beside them `'` by number), control characters (CR as
 * `&#13;`) by number.
 * Source: W3C Extensible Markup Language 1.0 (Fifth Edition), section 2.4.
 */
export function escapeXml(text: string): string {
  if (!special.test(text)) return text;
  // Replacing character by character takes ten times as long, and keys may be made of these.
  return Bun.escapeHTML(text).replace(controls, (character) => `&#${character.charCodeAt(0)};`);
}

/** A whole document. `content` is XML already; the root carries the S3 namespace unless it is `Error`. */
export function renderXmlDocument(root: string, content: string): string {
  if (root === "Error") return `${declaration}<Error>${content}</Error>`;
  return `${declaration}<${root} xmlns="${s3Namespace}">${content}</${root}>`;
}

/** An element around XML. */
export function renderElement(name: string, content: string): string {
  return `<${name}>${content}</${name}>`;
}

/** An element around a value, which is escaped. */
export function renderTextElement(name: string, value: string | number | boolean): string {
  return `<${name}>${typeof value === "string" ? escapeXml(value) : value}</${name}>`;
}

/** As `renderTextElement`; nothing when there is no value. */
export function renderOptionalElement(name: string, value: string | number | boolean | undefined): string {
  return value === undefined ? "" : renderTextElement(name, value);
}
