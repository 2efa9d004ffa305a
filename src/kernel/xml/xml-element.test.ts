import { expect, test } from "bun:test";
import { findChild, readBoolean, readOptionalText, readRoot, readText } from "./xml-element.ts";

const malformed = expect.objectContaining({ code: "MalformedXML" });
const root = readRoot(new TextEncoder().encode("<R><A> x </A><B/><B/><C><D/></C><T>TRUE</T><F>0</F></R>"), "R", 1000);

test("readRoot: another root is MalformedXML", () => {
  expect(() => readRoot(new TextEncoder().encode("<S/>"), "R", 1000)).toThrow(malformed);
});

test("findChild: one, none, several", () => {
  expect(findChild(root, "A")?.text).toBe(" x ");
  expect(findChild(root, "Z")).toBeUndefined();
  expect(() => findChild(root, "B")).toThrow(malformed);
});

test("readText: untrimmed text of a leaf", () => {
  expect(readText(root, "A")).toBe(" x ");
  expect(readOptionalText(root, "Z")).toBeUndefined();
  for (const name of ["Z", "B", "C"]) expect(() => readText(root, name)).toThrow(malformed);
});

test("readBoolean: XML Schema's forms in any case, false when absent", () => {
  expect([readBoolean(root, "T"), readBoolean(root, "F"), readBoolean(root, "Z")]).toEqual([true, false, false]);
  expect(() => readBoolean(root, "A")).toThrow(malformed);
});
