import { expect, test } from "bun:test";
import { createLog, type LogOptions } from "./log.ts";

const clock = { nowMs: () => 1_700_000_000_123, monotonicMs: () => 0 };

function open(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  const log = createLog({ level: "info", format: "json", clock, output: (line) => void lines.push(line), ...options });
  return { lines, log };
}

test("createLog: one JSON object per line, its head not replaced by fields", () => {
  const { lines, log } = open();
  log.warn("Disk\nfull", { freeBytes: 3, level: "forged", isLast: true });
  expect(lines).toEqual([
    '{"time":"2023-11-14T22:13:20.123Z","level":"warn","message":"Disk\\nfull","freeBytes":3,"isLast":true}\n',
  ]);
});

test("createLog: lines below the level are dropped", () => {
  const { lines, log } = open({ level: "warn" });
  log.debug("a");
  log.info("b");
  log.write("error", "c");
  expect(lines).toHaveLength(1);
});

test("createLog: text cannot forge a line or move the cursor", () => {
  const { lines, log } = open({ format: "text" });
  log.info("Started", { address: "127.0.0.1:9000", note: "two words" });
  log.error("a\nb\u001b[2J", { key: "\u009b2J", empty: "" });
  expect(lines[0]).toBe('2023-11-14T22:13:20.123Z INFO  Started address=127.0.0.1:9000 note="two words"\n');
  expect(lines[1]).toBe('2023-11-14T22:13:20.123Z ERROR "a\\nb\\u001b[2J" key="\\u009b2J" empty=""\n');
});
