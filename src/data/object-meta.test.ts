import { expect, test } from "bun:test";
import { versionFlag } from "#kernel/protocol/mutation.ts";
import { checksumSpecs } from "#kernel/s3/checksum.ts";
import { storageClasses } from "#kernel/s3/storage-class.ts";
import { decodeFlags, encodeFlags, storedHeaderNames } from "./object-meta.ts";

test("decodeFlags: gives back every algorithm, type and storage class, beside the writer's own bits", () => {
  const own = versionFlag.latest | versionFlag.marker | versionFlag.nullVersion;
  for (const { name } of checksumSpecs) {
    for (const type of ["FULL_OBJECT", "COMPOSITE"] as const) {
      for (const storageClass of storageClasses) {
        const flags = encodeFlags({ algorithm: name, type, value: "" }, storageClass);
        expect(flags & own).toBe(0);
        expect(decodeFlags(flags | own)).toEqual({ algorithm: name, type, storageClass });
      }
    }
  }
  expect(decodeFlags(encodeFlags(null, "STANDARD"))).toEqual({
    algorithm: undefined,
    type: "FULL_OBJECT",
    storageClass: "STANDARD",
  });
});

test("storedHeaderNames: lower case, and nothing that authenticates", () => {
  for (const name of storedHeaderNames) expect(name).toBe(name.toLowerCase() as typeof name);
  expect(storedHeaderNames.some((name) => /auth|cookie|token|x-amz-(security|content)/.test(name))).toBe(false);
});
