import { expect, test } from "bun:test";
import { createLog, type LogOptions } from "./log.ts";

const clock = { nowMs: () => 1_700_000_000_123, monotonicMs: () => 0 };

test("createLog: lines of JSON name the machine, whatever fields say", () => {
  const { lines, log } = open({ node: "node-1" });
  log.info("Started", { node: "forged" });
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({ message: "Started", node: "node-1" });
  log.configure({ level: "info", format: "text" });
  log.info("Started");
  expect(lines[1]).toBe("2023-11-14T22:13:20.123Z INFO  Started\n");
});

function open(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  const log = createLog({
    ...{ level: "info", format: "json", clock, output: (line) => void lines.push(line) },
    outputLines: async (bytes) => void lines.push(bytes.toString()),
    ...options,
  });
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

test("configure: level and format hold from the next line on", () => {
  const { lines, log } = open();
  log.configure({ level: "debug", format: "text" });
  log.debug("now");
  log.configure({ level: "error", format: "json" });
  log.warn("dropped");
  log.error("last");
  expect(lines).toEqual([
    "2023-11-14T22:13:20.123Z DEBUG now\n",
    '{"time":"2023-11-14T22:13:20.123Z","level":"error","message":"last"}\n',
  ]);
});

test("createLog: the place of the call, but not for lines of other threads", () => {
  const { lines, log } = open({ includeCaller: true, level: "debug" });
  for (const name of ["debug", "info", "warn", "error"] as const) {
    log[name]("here");
    expect(lines.pop()).toMatch(/"caller":"log\.test\.ts:\d+"/);
  }
  log.write("info", "here");
  expect(lines.pop()).toMatch(/"caller":"log\.test\.ts:\d+"/);
  log.write("info", "there", { thread: "worker 0" });
  expect(lines.pop()).not.toContain("caller");
});

test("createLog: a tap gets each line that is logged as JSON, whatever the look; one that is not active gets none", async () => {
  const taken: [string, string][] = [];
  const tap = {
    isActive: true,
    drops: [{ sink: "syslog", count: 3 }],
    take: (level: string, line: string) => void taken.push([level, line]),
  };
  const { lines, log } = open({ format: "text", tap });
  log.debug("below the level");
  log.warn("Disk full", { freeBytes: 3 });
  const head = '{"time":"2023-11-14T22:13:20.123Z","level":';
  await log.writeLines(Buffer.from(`${head}"info","message":"a"}\n${head}"info","message":"b"}\n`));
  expect(taken).toEqual([
    ["warn", `${head}"warn","message":"Disk full","freeBytes":3}`],
    ["info", `${head}"info","message":"a"}`],
    ["info", `${head}"info","message":"b"}`],
  ]);
  expect(log.drops).toEqual([{ sink: "syslog", count: 3 }]);
  expect(lines[1]).toBe("2023-11-14T22:13:20.123Z INFO  a\n2023-11-14T22:13:20.123Z INFO  b\n");
  tap.isActive = false;
  log.error("unseen");
  expect([taken.length, lines.length]).toEqual([3, 3]);
});
