/** Text of the first element of this name, unescaped; undefined when there is none. For the flat documents S3 answers. */
export function readXmlText(xml: string, name: string): string | undefined {
  return readXmlTexts(xml, name)[0];
}

/** Texts of all elements of this name in their order, unescaped. */
export function readXmlTexts(xml: string, name: string): string[] {
  const pattern = new RegExp(`<${name}(?: [^>]*)?(?:/>|>([^<]*)</${name}>)`, "g");
  return [...xml.matchAll(pattern)].map((match) => unescapeXml(match[1] ?? ""));
}

/** Inner XML of all elements of this name that hold further elements. They must not nest. */
export function readXmlElements(xml: string, name: string): string[] {
  const pattern = new RegExp(`<${name}(?: [^>]*)?>(.*?)</${name}>`, "gs");
  return [...xml.matchAll(pattern)].map((match) => match[1] ?? "");
}

/** Escapes a text for use in an element. */
export function escapeXmlText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("\r", "&#13;");
}

const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function unescapeXml(text: string): string {
  return text.replace(/&(#x?[0-9a-fA-F]+|[a-z]+);/g, (whole, entity: string) => {
    if (entity.startsWith("#x")) return String.fromCodePoint(Number.parseInt(entity.slice(2), 16));
    if (entity.startsWith("#")) return String.fromCodePoint(Number(entity.slice(1)));
    return entities[entity] ?? whole;
  });
}
