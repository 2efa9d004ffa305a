import { expect, test } from "bun:test";
import { parseStorageClass, storageClasses } from "./storage-class.ts";

test("parseStorageClass: labels pass, absence is STANDARD", () => {
  expect(parseStorageClass(undefined)).toBe("STANDARD");
  for (const name of storageClasses) expect(parseStorageClass(name)).toBe(name);
});

test("parseStorageClass: archives and unknown names are InvalidStorageClass", () => {
  for (const name of ["", "standard", "GLACIER", "DEEP_ARCHIVE", "EXPRESS_ONEZONE", "__proto__"]) {
    expect(() => parseStorageClass(name)).toThrow(expect.objectContaining({ code: "InvalidStorageClass" }));
  }
});
