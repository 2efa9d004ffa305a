import { expect, test } from "bun:test";
import { findHelp, renderCommandHelp, renderCommandList } from "./commands.ts";

const names = [
  "serve",
  "check",
  "audit verify",
  "keys export",
  "keys import",
  "admin",
  "settings",
  "policy check",
  "version",
  "help",
];

test("renderCommandList: every command with a line of its own, and how to read on", () => {
  const list = renderCommandList();
  for (const name of names) expect(list).toMatch(new RegExp(`^  ${name} +\\S`, "m"));
  expect(list).toContain("maxiofs help COMMAND");
});

test("renderCommandHelp: usage, and the flags that the command heeds", () => {
  for (const name of names) expect(renderCommandHelp(name)).toStartWith(`Usage: maxiofs ${name}`);
  expect(renderCommandHelp("serve")).toContain("  --s3-listen HOST:PORT\n");
  expect(renderCommandHelp("check")).toContain("  --data DIR\n");
  expect(renderCommandHelp("check")).not.toContain("--s3-listen");
  expect(renderCommandHelp("version")).not.toContain("--");
  expect(renderCommandHelp("keys")).toBeUndefined();
});

test("renderCommandHelp: values have units, the reserve its bound", () => {
  const help = renderCommandHelp("serve") ?? "";
  expect(help).toContain("--storage-reserve-bytes BYTES\n");
  expect(help).toContain("at most half of the disk");
  expect(help).toContain("--history-window SECONDS\n");
  expect(help).toContain("--system-max-upload-size-mb MIB\n");
  expect(help).toContain("--s3-strict-region true|false\n");
  expect(help).not.toContain(" VALUE\n");
});

test("renderCommandHelp: lines fit a screen", () => {
  for (const name of names) {
    for (const line of (renderCommandHelp(name) ?? "").split("\n")) expect(line.length).toBeLessThanOrEqual(120);
  }
});

test("findHelp: of a command by its words, of several by the first of two, the list without words", () => {
  expect(findHelp(["keys", "export"])).toBe(renderCommandHelp("keys export"));
  expect(findHelp(["serve", "now"])).toBe(renderCommandHelp("serve"));
  expect(findHelp([])).toBe(renderCommandList());
  expect(findHelp(["audit"])).toBe(renderCommandHelp("audit verify"));
  const both = `${renderCommandHelp("keys export")}\n${renderCommandHelp("keys import")}`;
  for (const words of [["keys"], ["keys", "nothing"]]) expect(findHelp(words)).toBe(both);
  for (const words of [["nothing"], ["verify"]]) expect(findHelp(words)).toBeUndefined();
});
