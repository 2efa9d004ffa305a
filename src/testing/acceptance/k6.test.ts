import { afterAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { resolve } from "node:path";
import { startServer } from "../server-process.ts";
import { hasTool, runTool, ScratchFolder, type ToolResult } from "./client-tool.ts";
import { clientOf } from "./s3-client.ts";

const suite = resolve(import.meta.dirname, "../../../bench/k6/run.ts");
const isMissing = !hasTool("k6");
const scratch = new ScratchFolder();
afterAll(() => scratch.remove());

interface ScenarioLine {
  readonly scenario: string;
  readonly operations: Readonly<Record<string, { readonly count: number }>>;
  readonly wrongAnswers: number;
  readonly wrongBytes: number;
  readonly missed: readonly string[];
}

async function runSuite(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const jsonFile = scratch.join(`${crypto.randomUUID()}.jsonl`);
  const command = [process.execPath, suite, "--short", "--json", jsonFile, ...args];
  const result: ToolResult = await runTool(command, { env, timeoutSeconds: 280 });
  const lines = readFileSync(jsonFile, "utf8").trim().split("\n");
  return { result, scenarios: lines.map((line) => JSON.parse(line) as ScenarioLine) };
}

/** Passes bytes on and changes one of every answer that carries `marker`, `offset` bytes behind its head. */
function startFlippingProxy(port: number): Promise<Server> {
  const proxy = createServer((client) => {
    const server = connect(port, "127.0.0.1");
    client.pipe(server);
    server.on("data", (chunk: Buffer) => {
      const head = chunk.indexOf("\r\n\r\n");
      const isBody = head > 0 && chunk.length > head + 1000 && chunk.toString("latin1", 0, 15) === "HTTP/1.1 200 OK";
      if (isBody && !chunk.includes("<?xml")) chunk[head + 500] = (chunk[head + 500] ?? 0) ^ 1;
      client.write(chunk);
    });
    server.on("end", () => client.end());
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      socket.on("error", () => other.destroy());
      socket.on("close", () => other.destroy());
    }
  });
  return new Promise((listening) => proxy.listen(0, "127.0.0.1", () => listening(proxy)));
}

test.skipIf(isMissing)(
  "every scenario reads back what it stored",
  async () => {
    const { result, scenarios } = await runSuite([]);
    expect(result).toMatchObject({ code: 0 });
    expect(scenarios.map(({ scenario }) => scenario)).toEqual([
      ...["quick", "upload", "download", "mixed", "verify", "multipart", "ranges", "large", "deep", "arrival"],
      ...["stress", "cold"],
    ]);
    for (const { scenario, operations, wrongAnswers, wrongBytes, missed } of scenarios) {
      expect({ scenario, wrongAnswers, wrongBytes, missed }).toEqual({
        scenario,
        wrongAnswers: 0,
        wrongBytes: 0,
        missed: [],
      });
      expect(Object.values(operations).reduce((sum, { count }) => sum + count, 0)).toBeGreaterThan(1);
    }
  },
  300_000,
);

test.skipIf(isMissing)(
  "one changed bit of an answer is found",
  async () => {
    const server = await startServer();
    const s3 = clientOf(server);
    const proxy = await startFlippingProxy(server.s3Port);
    try {
      await s3.createBucket("k6-suite");
      const address = proxy.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      const { accessKeyId, secretKey } = server.credentials;
      const keys = { MAXIOFS_K6_ACCESS_KEY: accessKeyId, MAXIOFS_K6_SECRET_KEY: secretKey };
      const { result, scenarios } = await runSuite(
        ["--endpoint", `http://127.0.0.1:${port}`, "--only", "verify"],
        keys,
      );
      expect(result.code).toBe(1);
      expect(result.stderr).toContain("wrong bytes of http://127.0.0.1");
      expect(scenarios[0]?.wrongBytes).toBeGreaterThan(0);
      expect(scenarios[0]?.missed).toContain("wrong_bytes count==0");
    } finally {
      proxy.close();
      s3.close();
      await server.remove();
    }
  },
  120_000,
);

test("flags that cannot be are refused with the usage", async () => {
  const badFlags = [
    ["--only", "quick,quack"],
    ["--endpoint", "127.0.0.1:9000"],
    ["--endpoint", "http://127.0.0.1:1", "--only", "cold"],
    ["--short", "--save-baselines"],
    ["--json"],
    ["--loud"],
  ];
  for (const args of badFlags) {
    expect({ args, code: (await runTool([process.execPath, suite, ...args])).code }).toEqual({ args, code: 2 });
  }
});
