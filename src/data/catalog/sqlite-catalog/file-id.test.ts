import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { existsAt, findFile, isSameFile, requireUsable } from "./file-id.ts";

const folder = mkdtempSync(join(tmpdir(), "maxiofs-file-id-"));
const [file, other, loop, missing] = ["file", "other", "loop", "missing"].map((name) => join(folder, name)) as [
  string,
  string,
  string,
  string,
];
writeFileSync(file, "a");
writeFileSync(other, "a");
symlinkSync(loop, loop);
afterAll(() => rmSync(folder, { recursive: true }));

test("findFile, isSameFile: tell files apart by what they are and not by what they hold", () => {
  const [first, again, second] = [findFile(file), findFile(file), findFile(other)];
  if (!first || !again || !second) throw new Error("A file was not found");
  expect([isSameFile(first, again), isSameFile(first, second)]).toEqual([true, false]);
  expect(isSameFile(first, { ...first, device: first.device + 1n })).toBe(false);
});

test("existsAt: only what is not there is missing, everything else throws", () => {
  expect([existsAt(file), existsAt(folder), existsAt(missing), findFile(missing)]).toEqual([
    true,
    true,
    false,
    undefined,
  ]);
  expect(() => existsAt(loop)).toThrow("ELOOP");
  expect(() => existsAt(join(file, "below"))).toThrow("ENOTDIR");
});

test("requireUsable: missing is lost, refused is unreadable with path and code", () => {
  requireUsable(file, "write");
  expect(() => requireUsable(missing, "read")).toThrow(`${missing} is missing`);
  expect(() => requireUsable(loop, "read")).toThrow(`${loop} cannot be used: ELOOP`);
  const kinds = [missing, loop].map((path) => {
    try {
      requireUsable(path, "read");
      return "";
    } catch (error) {
      return error instanceof Error && "kind" in error ? error.kind : "";
    }
  });
  expect(kinds).toEqual(["lost", "unreadable"]);
});
