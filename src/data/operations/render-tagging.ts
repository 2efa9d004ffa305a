import { renderElement, renderTextElement, renderXmlDocument } from "#kernel/xml/write-xml.ts";

/** The `Tagging` document of an object or a bucket. Source: API_GetObjectTagging. */
export function renderTagging(tags: readonly (readonly [key: string, value: string])[]): string {
  const elements = tags.map(([key, value]) =>
    renderElement("Tag", renderTextElement("Key", key) + renderTextElement("Value", value)),
  );
  return renderXmlDocument("Tagging", renderElement("TagSet", elements.join("")));
}
