import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Canaries } from "./canaries.ts";

const secret = 'pass/word+"of"=somebody';

test("Canaries: a secret is found in every form, and nothing else is", () => {
  const canaries = new Canaries();
  canaries.plant("text", secret);
  canaries.plant(
    "bytes",
    Uint8Array.from({ length: 32 }, (_, index) => 255 - index * 7),
  );
  const bytes = Buffer.from(Array.from({ length: 32 }, (_, index) => 255 - index * 7));
  for (const form of [
    secret,
    Buffer.from(secret).toString("hex"),
    Buffer.from(secret).toString("hex").toUpperCase(),
    encodeURIComponent(secret),
    [...Buffer.from(secret)].map((byte) => byte.toString(16).padStart(2, "0")).join(" "),
    JSON.stringify({ secret }),
    ...["", "i", "id", "id:"].map((user) => btoa(`${user}${secret} and more`)),
    Buffer.from(`k:${secret}`).toString("base64url"),
  ]) {
    expect([form, canaries.findIn(`before ${form} after`)]).toEqual([form, ["text"]]);
  }
  for (const form of [bytes, bytes.toString("hex"), bytes.toString("base64")]) {
    expect(canaries.findIn(Buffer.concat([Buffer.from("x"), Buffer.from(form), Buffer.from("y")]))).toEqual(["bytes"]);
  }
  expect(canaries.findIn(`before ${secret.slice(1)} after`)).toEqual([]);
  expect(canaries.findIn(secret, ["text"])).toEqual([]);
  expect(() => canaries.plant("short", "1234567")).toThrow("7 bytes");
});

test("Canaries: every file of a folder is read, at any depth, but those that may hold secrets", () => {
  const folder = mkdtempSync(join(tmpdir(), "maxiofs-canaries-"));
  try {
    mkdirSync(join(folder, "a/b"), { recursive: true });
    writeFileSync(join(folder, "a/b/log"), `something ${secret}\n`);
    writeFileSync(join(folder, "root.key"), secret);
    const canaries = new Canaries();
    canaries.plant("password", secret);
    expect(canaries.findInFolder(folder, { except: ["root.key"] })).toEqual(["password in log"]);
    expect(canaries.findInFolder(folder, { maxBytes: secret.length })).toEqual(["password in root.key"]);
    expect(canaries.findInFolder(folder)).toHaveLength(2);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
