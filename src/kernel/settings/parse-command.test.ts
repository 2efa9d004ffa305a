import { expect, test } from "bun:test";
import { parseCommand } from "./parse-command.ts";

test.each([
  ["serve --data /d", "serve", "--data /d"],
  ["check photos", "check", "photos"],
  ["audit verify out.jsonl", "audit verify", "out.jsonl"],
  ["keys import b --replace", "keys import", "b --replace"],
  ["admin list --tenant acme", "admin", "list --tenant acme"],
  ["settings get s3.region", "settings", "get s3.region"],
  ["policy check p.json", "policy check", "p.json"],
  ["version", "version", ""],
  ["--version", "version", ""],
  ["", "help", ""],
  ["help keys export", "help", "keys export"],
  ["--help", "help", ""],
  ["-h", "help", ""],
  ["keys export --help", "help", "keys export"],
  ["serve --data -h", "help", "serve"],
  ["frobnicate now", "unknown", "frobnicate"],
  ["keys", "unknown", "keys"],
  ["audit forge it", "unknown", "audit forge"],
  ["constructor", "unknown", "constructor"],
] as const)("parseCommand: %p is %p with %p", (text, name, rest) => {
  const split = (line: string) => line.split(" ").filter((word) => word !== "");
  expect(parseCommand(split(text))).toEqual({ name, words: split(rest) });
});
